/* Objects of a folder; world_live.c has those of a cluster. Main thread; blocking.
 * Must not know what they are looked at for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/validate/world.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "policies/store/folder.h"
#include "weftctl/validate/diag_print.h"
#include "weftctl/say.h"
#include "weftctl/validate/world_live.h"

struct world {
    struct policy_set *own; /* of a folder */
    struct world_live *live;
};

static struct policy_set *read_folder(const char *folder)
{
    struct diag_list diags;
    struct policy_set *set = NULL;
    diag_list_init(&diags);
    if (folder_load(folder, &diags, &set))
        say_error("the folder %s is not valid", folder);
    diag_print_lines(&diags);
    diag_list_dispose(&diags);
    return set;
}

struct world *world_open(const struct world_source *source)
{
    struct world *w = mem_zalloc(sizeof(*w));
    if (source->folder)
        w->own = read_folder(source->folder);
    else
        w->live = world_live_open(source->kubeconfig);
    if (w->own || w->live)
        return w;
    mem_free(w);
    return NULL;
}

void world_close(struct world *w)
{
    policy_set_destroy(w->own);
    if (w->live)
        world_live_close(w->live);
    mem_free(w);
}

const char *world_namespace(const struct world *w)
{
    return w->own ? "default" : world_live_namespace(w->live);
}

const struct policy_set *world_set(struct world *w)
{
    return w->own ? w->own : world_live_set(w->live);
}
