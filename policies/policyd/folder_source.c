/* Folder -> policy set -> world. A folder is taken whole or not at all: what is wrong is logged,
 * and what was in force stays. On the loop's thread. Must not know who is served from it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/folder_source.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/watch.h"
#include "policies/store/folder.h"

struct folder_source {
    char *dir;
    struct object_store *world;
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
    struct folder_source *f = owner;
    struct diag_list diags;
    struct policy_set *set;
    diag_list_init(&diags);
    enum err e = folder_load(f->dir, &diags, &set);
    log_diags(&diags);
    diag_list_dispose(&diags);
    if (e) {
        LOG_E("feed", "%s: refused as a whole; %s", f->dir,
              object_store_is_ready(f->world) ? "what was in force stays"
                                              : "nothing is served yet");
        return;
    }
    LOG_I("feed", "%s: %zu objects", f->dir, policy_set_count(set));
    object_store_adopt(f->world, set);
    if (!object_store_is_ready(f->world))
        object_store_set_ready(f->world);
}

enum err folder_source_open(struct loop *l, const char *dir, struct object_store *world,
                            struct folder_source **out)
{
    struct folder_source *f = mem_zalloc(sizeof *f);
    f->dir = mem_strdup(dir);
    f->world = world;
    /* Watching comes first: a change between loading and watching would be missed. */
    enum err e = watch_open(l, dir, load, f, &f->watch);
    if (e) {
        LOG_E("feed", "%s: cannot watch: %s", dir, err_text(e));
        folder_source_close(f);
        return e;
    }
    load(f);
    *out = f;
    return ERR_OK;
}

void folder_source_close(struct folder_source *f)
{
    if (f->watch)
        watch_close(f->watch);
    mem_free(f->dir);
    mem_free(f);
}
