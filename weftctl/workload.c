/* Finding a workload by what a person writes. Main thread.
 * Must not know what it is wanted for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/workload.h"

#include <stdio.h>

#include "policies/policy_index.h"

static const struct slice gateway_word = {"gateway/", 8};

/* "reviews-v1" means "reviews-v1-5d4f8-x2b7q". */
static bool begins_so(struct slice name, struct slice begin)
{
    return slice_starts_with(name, begin) && (name.len == begin.len || name.ptr[begin.len] == '-');
}

static const struct pod *find_pod(const struct policy_set *set, struct slice ns, struct slice name)
{
    const struct object_list *pods = &set->all[KIND_POD];
    const struct pod *best = NULL;
    for (size_t i = 0; i < pods->count; i++) {
        const struct pod *p = POLICY_AT(pods, struct pod, i);
        if (!slice_eq(p->object.meta.namespace_name, ns) || pod_is_done(p))
            continue;
        if (slice_eq(p->object.meta.name, name))
            return p;
        if (begins_so(p->object.meta.name, name) && !best)
            best = p;
    }
    return best;
}

static void list_pods(const struct policy_set *set, struct slice ns)
{
    const struct object_list *pods = &set->all[KIND_POD];
    size_t shown = 0;
    for (size_t i = 0; i < pods->count && shown < 20; i++) {
        const struct metadata *meta = &pods->items[i]->meta;
        if (!slice_eq(meta->namespace_name, ns))
            continue;
        fprintf(stderr, "%s%.*s", shown++ ? ", " : "  pods there: ", SLICE_ARG(meta->name));
    }
    fputs(shown ? "\n" : "  no pods are known there\n", stderr);
}

bool workload_find(const struct policy_set *set, const char *namespace_name, const char *text,
                   struct workload *out)
{
    struct slice name = slice_from_cstr(text), ns = slice_from_cstr(namespace_name);
    size_t slash = slice_find_byte(name, '/');
    if (slash < name.len && !slice_starts_with(name, gateway_word)) {
        ns = slice_sub(name, 0, slash);
        name = slice_sub(name, slash + 1, name.len);
    }
    *out = (struct workload){.namespace_name = ns, .name = name};
    if (slice_starts_with(name, gateway_word)) {
        out->name = slice_sub(name, gateway_word.len, name.len);
        if (policy_index_find(set, KIND_GATEWAY, ns, out->name))
            return true;
        fprintf(stderr, "weftctl: there is no Gateway %.*s in namespace %.*s\n",
                SLICE_ARG(out->name), SLICE_ARG(ns));
        return false;
    }
    out->pod = find_pod(set, ns, name);
    if (!out->pod) {
        fprintf(stderr, "weftctl: there is no pod %.*s in namespace %.*s\n", SLICE_ARG(name),
                SLICE_ARG(ns));
        list_pods(set, ns);
        return false;
    }
    out->name = out->pod->object.meta.name;
    return true;
}
