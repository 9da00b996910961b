/* One examination of a folder or a cluster, in the order in which people would ask: is it read, is
 * it compiled, is it built, does it make sense. Main thread; blocking. Must not know who asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/validate/examine.h"

#include <sys/stat.h>
#include <string.h>

#include "policies/store/folder.h"
#include "policies/store/policy_index.h"
#include "sidecar/fit/fit.h"

static void look(struct examination *e, const struct policy_set *set,
                 const struct policy_store *store, int64_t now_ms)
{
    struct analyze_inputs in = {.set = set, .store = store, .now_ms = now_ms};
    fit_check_set(set, &e->diags, &e->diags);
    analyze_set(&in, &e->diags);
}

static bool is_there(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 || stat(path, &st) == 0;
}

static void tell_nothing(struct examination *e, const char *path)
{
    struct diag what = {.file = slice_from_cstr(path), .finding = FINDING_NOTHING_THERE};
    diag_add(&e->diags, &what, "no object of a kind that is read here");
}

void examine_paths(struct examination *e, const char *const *paths, size_t count, int64_t now_ms)
{
    struct policy_set *set;
    *e = (struct examination){.could_look = true};
    diag_list_init(&e->diags);
    for (size_t i = 0; i < count; i++)
        e->could_look &= is_there(paths[i]);
    if (folder_load_all(paths, count, &e->diags, &set)) {
        finding_rate(&e->diags);
        return;
    }
    e->objects = policy_set_count(set);
    if (!e->objects)
        tell_nothing(e, count == 1 ? paths[0] : "(all paths)");
    look(e, set, NULL, now_ms);
    policy_set_destroy(set);
}

/* A store is silent about what spans objects, so the set is indexed once more for that. */
void examine_store(struct examination *e, struct policy_store *store, int64_t now_ms)
{
    const struct policy_set *set = policy_store_set(store);
    *e = (struct examination){.could_look = true, .objects = policy_set_count(set)};
    diag_list_init(&e->diags);
    policy_store_remarks(store, &e->diags);
    look(e, set, store, now_ms);
}

void examine_dispose(struct examination *e)
{
    diag_list_dispose(&e->diags);
}
