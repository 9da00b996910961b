/* Folder -> policy set -> world. A folder is taken whole or not at all: what is wrong is logged,
 * and what was in force stays. On the loop's thread. Must not know who is served from it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/feed_folder.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/watch.h"
#include "policies/store/folder.h"

struct feed_folder {
    char *dir;
    struct world *world;
    struct watch *watch;
};

static void log_diags(struct diag_list *diags)
{
    LIST_FOREACH(node, &diags->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        struct slice text = diag_format(diags, d);
        LOG(d->is_warning ? LOG_WARN : LOG_ERROR, "policies", "%.*s", SLICE_ARG(text));
    }
}

static void load(void *owner)
{
    struct feed_folder *f = owner;
    struct diag_list diags;
    struct policy_set *set;
    diag_list_init(&diags);
    enum err e = folder_load(f->dir, &diags, &set);
    log_diags(&diags);
    diag_list_dispose(&diags);
    if (e) {
        LOG_E("feed", "%s: refused as a whole; %s", f->dir,
              world_is_ready(f->world) ? "what was in force stays" : "nothing is served yet");
        return;
    }
    LOG_I("feed", "%s: %zu objects", f->dir, policy_set_count(set));
    world_adopt(f->world, set);
    if (!world_is_ready(f->world))
        world_set_ready(f->world);
}

enum err feed_folder_open(struct loop *l, const char *dir, struct world *world,
                          struct feed_folder **out)
{
    struct feed_folder *f = mem_zalloc(sizeof *f);
    f->dir = mem_strdup(dir);
    f->world = world;
    /* Watching comes first: a change between loading and watching would be missed. */
    enum err e = watch_open(l, dir, load, f, &f->watch);
    if (e) {
        LOG_E("feed", "%s: cannot watch: %s", dir, err_text(e));
        feed_folder_close(f);
        return e;
    }
    load(f);
    *out = f;
    return ERR_OK;
}

void feed_folder_close(struct feed_folder *f)
{
    if (f->watch)
        watch_close(f->watch);
    mem_free(f->dir);
    mem_free(f);
}
