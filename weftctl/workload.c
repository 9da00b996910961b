/* Finding a workload by what a person writes. Main thread.
 * Must not know what it is wanted for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/workload.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/similar.h"
#include "policies/kinds/service.h"
#include "policies/store/policy_index.h"
#include "policies/kinds/selector.h"
#include "weftctl/say.h"

enum { LISTED_MAX = 20 };

/* How the names of a controller's pods go on behind its own: "-HASH-ID", "-ID", "-0". */
enum shape { SHAPE_SELF, SHAPE_HASH_ID, SHAPE_ID, SHAPE_ORDINAL, SHAPE_SERVICE, SHAPE_GATEWAY };

static const struct reference_kind {
    const char *const words[5];
    const char *name;
    enum shape shape;
} kinds[] = {
    {{"pod", "pods", "po"}, "pod", SHAPE_SELF},
    {{"deploy", "deployment", "deployments", "deployment.apps"}, "Deployment", SHAPE_HASH_ID},
    {{"sts", "statefulset", "statefulsets", "statefulset.apps"}, "StatefulSet", SHAPE_ORDINAL},
    {{"ds", "daemonset", "daemonsets", "daemonset.apps"}, "DaemonSet", SHAPE_ID},
    {{"rs", "replicaset", "replicasets", "replicaset.apps"}, "ReplicaSet", SHAPE_ID},
    {{"job", "jobs", "job.batch"}, "Job", SHAPE_ID},
    {{"svc", "service", "services"}, "Service", SHAPE_SERVICE},
    {{"gateway", "gateways", "gtw"}, "Gateway", SHAPE_GATEWAY},
};

static const struct reference_kind *kind_of(struct slice word)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        for (size_t j = 0; j < 5 && kinds[i].words[j]; j++)
            if (slice_eq_cstr(word, kinds[i].words[j]))
                return &kinds[i];
    return NULL;
}

/* ---- names of pods ---- */

static bool is_id(struct slice s)
{
    bool ok = s.len == 5;
    for (size_t i = 0; ok && i < s.len; i++)
        ok = (s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9');
    return ok;
}

static bool is_number(struct slice s)
{
    uint64_t n;
    return slice_to_u64(s, &n) == ERR_OK;
}

/* 2: as such a controller names its pods; 1: it begins so ("reviews-v1" for "reviews-v1-a"). */
static int fits(struct slice pod, struct slice name, enum shape shape)
{
    if (slice_eq(pod, name))
        return shape == SHAPE_SELF ? 3 : 1;
    if (pod.len < name.len + 2 || !slice_starts_with(pod, name) || pod.ptr[name.len] != '-')
        return 0;
    struct slice rest = slice_sub(pod, name.len + 1, pod.len);
    size_t dash = slice_find_byte(rest, '-');
    struct slice behind = slice_sub(rest, dash + 1, rest.len);
    switch (shape) {
    case SHAPE_HASH_ID:
        return is_id(behind) && slice_find_byte(behind, '-') == behind.len ? 2 : 1;
    case SHAPE_ID:
        return is_id(rest) ? 2 : 1;
    case SHAPE_ORDINAL:
        return is_number(rest) ? 2 : 1;
    default:
        return 1;
    }
}

static const struct pod *find_pod(const struct policy_set *set, const struct workload *w,
                                  enum shape shape)
{
    const struct object_list *pods = &set->all[KIND_POD];
    const struct pod *best = NULL;
    int best_fit = 0;
    for (size_t i = 0; i < pods->count; i++) {
        const struct pod *p = POLICY_AT(pods, struct pod, i);
        if (!slice_eq(p->object.meta.namespace_name, w->namespace_name) || pod_is_done(p))
            continue;
        int fit = fits(p->object.meta.name, w->name, shape);
        if (fit > best_fit) {
            best_fit = fit;
            best = p;
        }
    }
    return best;
}

static const struct pod *find_behind(const struct policy_set *set, const struct service *s)
{
    const struct object_list *pods = &set->all[KIND_POD];
    for (size_t i = 0; s->spec.selector.count && i < pods->count; i++) {
        const struct pod *p = POLICY_AT(pods, struct pod, i);
        if (slice_eq(p->object.meta.namespace_name, s->object.meta.namespace_name) &&
            !pod_is_done(p) &&
            selector_is_subset(&s->spec.selector, &p->object.meta.labels))
            return p;
    }
    return NULL;
}

/* ---- what there is instead ---- */

static void list_names(const struct policy_set *set, enum kind_id kind, struct slice ns,
                       const char *what)
{
    const struct object_list *all = &set->all[kind];
    size_t shown = 0;
    for (size_t i = 0; i < all->count && shown < LISTED_MAX; i++) {
        const struct metadata *meta = &all->items[i]->meta;
        if (!slice_eq(meta->namespace_name, ns))
            continue;
        fprintf(stderr, "%s%s%s%.*s", shown ? ", " : "  ", shown ? "" : what,
                shown ? "" : " there: ", SLICE_ARG(meta->name));
        shown++;
    }
    if (shown)
        fputs("\n", stderr);
    else
        fprintf(stderr, "  no %s are known there\n", what);
}

/* A controller's name is what is left of its pods' names without hash and id. */
static void try_pod_names(struct similar *near, struct slice pod)
{
    similar_try(near, pod);
    for (size_t i = pod.len; i-- > 0;)
        if (pod.ptr[i] == '-')
            similar_try(near, slice_sub(pod, 0, i));
}

static bool refuse(const struct policy_set *set, const struct reference_kind *kind,
                   const struct workload *w)
{
    enum kind_id of = kind->shape == SHAPE_GATEWAY   ? KIND_GATEWAY
                      : kind->shape == SHAPE_SERVICE ? KIND_SERVICE
                                                     : KIND_POD;
    const struct object_list *all = &set->all[of];
    struct similar near = similar_to(w->name);
    struct slice elsewhere = {NULL, 0};
    for (size_t i = 0; i < all->count; i++) {
        const struct metadata *meta = &all->items[i]->meta;
        bool is_it = of == KIND_POD ? fits(meta->name, w->name, kind->shape) > 1
                                    : slice_eq(meta->name, w->name);
        if (!slice_eq(meta->namespace_name, w->namespace_name))
            elsewhere = is_it ? meta->namespace_name : elsewhere;
        else if (of == KIND_POD)
            try_pod_names(&near, meta->name);
        else
            similar_try(&near, meta->name);
    }
    if (near.best.ptr)
        say_error("there is no %s %.*s in namespace %.*s; did you mean %.*s?", kind->name,
                  SLICE_ARG(w->name), SLICE_ARG(w->namespace_name), SLICE_ARG(near.best));
    else if (elsewhere.ptr)
        say_error("there is no %s %.*s in namespace %.*s; there is one in %.*s (-n %.*s)",
                  kind->name, SLICE_ARG(w->name), SLICE_ARG(w->namespace_name),
                  SLICE_ARG(elsewhere), SLICE_ARG(elsewhere));
    else
        say_error("there is no %s %.*s in namespace %.*s", kind->name, SLICE_ARG(w->name),
                  SLICE_ARG(w->namespace_name));
    list_names(set, of, w->namespace_name,
               of == KIND_GATEWAY ? "Gateways" : of == KIND_SERVICE ? "Services" : "pods");
    return false;
}

/* ---- each kind of reference ---- */

/* In the namespace, else in the only one that has it. */
static bool take_gateway(const struct policy_set *set, const struct reference_kind *kind,
                         struct workload *w, bool is_said)
{
    const struct object_list *all = &set->all[KIND_GATEWAY];
    const struct metadata *other = NULL;
    size_t count = 0;
    if (policy_index_find(set, KIND_GATEWAY, w->namespace_name, w->name))
        return true;
    for (size_t i = 0; !is_said && i < all->count; i++) {
        if (!slice_eq(all->items[i]->meta.name, w->name))
            continue;
        other = &all->items[i]->meta;
        count++;
    }
    if (count != 1)
        return refuse(set, kind, w);
    w->namespace_name = other->namespace_name;
    return true;
}

static bool take_service(const struct policy_set *set, const struct reference_kind *kind,
                         struct workload *w)
{
    const struct service *s =
        (const void *)policy_index_find(set, KIND_SERVICE, w->namespace_name, w->name);
    if (!s)
        return refuse(set, kind, w);
    w->pod = find_behind(set, s);
    if (!w->pod) {
        say_error("Service %.*s/%.*s has no pods", SLICE_ARG(w->namespace_name),
                  SLICE_ARG(w->name));
        return false;
    }
    w->name = w->pod->object.meta.name;
    return true;
}

static bool take_pod(const struct policy_set *set, const struct reference_kind *kind,
                     struct workload *w)
{
    w->pod = find_pod(set, w, kind->shape);
    if (!w->pod)
        return refuse(set, kind, w);
    w->name = w->pod->object.meta.name;
    return true;
}

bool workload_find(const struct policy_set *set, const char *namespace_name, const char *text,
                   struct workload *out)
{
    struct slice rest = slice_from_cstr(text), first = rest;
    const struct reference_kind *kind = NULL;
    bool is_said = false;
    *out = (struct workload){.namespace_name = slice_from_cstr(namespace_name)};
    while (!kind && slice_find_byte(rest, '/') < rest.len && slice_split(&rest, '/', &first)) {
        kind = kind_of(first);
        if (kind)
            break;
        if (is_said) {
            say_error("%s: there is no kind \"%.*s\" here: it is pod, deploy, statefulset, "
                      "daemonset, replicaset, job, svc or gateway",
                      text, SLICE_ARG(first));
            return false;
        }
        out->namespace_name = first;
        is_said = true;
    }
    kind = kind ? kind : &kinds[0];
    out->name = rest;
    if (kind->shape == SHAPE_GATEWAY)
        return take_gateway(set, kind, out, is_said);
    return kind->shape == SHAPE_SERVICE ? take_service(set, kind, out) : take_pod(set, kind, out);
}
