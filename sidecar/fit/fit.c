/* Compiles a set for every data plane that it could have, and builds what comes of it. Control
 * thread. Must not know what the builder refuses.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/fit/fit.h"

#include <stdio.h>

#include "lib/base/map.h"
#include "lib/tls/tls_ctx.h"
#include "policies/compile/compile.h"
#include "policies/store/policy_set_priv.h"

struct told {
    snapshot_refused_fn refused;
    void *owner;
    unsigned count;
};

static void count(void *owner, const char *resource, const char *why)
{
    struct told *t = owner;
    t->count++;
    if (t->refused)
        t->refused(t->owner, resource, why);
}

unsigned fit_check(const Weft__Config__V1__Configuration *c, snapshot_refused_fn refused,
                   void *owner)
{
    struct told told = {.refused = refused, .owner = owner};
    if (tls_lib_init()) {
        count(&told, "", "the TLS library cannot be used");
        return told.count;
    }
    struct snapshot_builder *builder = snapshot_builder_create();
    snapshot_unref(snapshot_build_what_can_be(builder, c, count, &told));
    snapshot_builder_destroy(builder);
    return told.count;
}

unsigned fit_check_resource(Weft__Config__V1__Resource *r, snapshot_refused_fn refused, void *owner)
{
    Weft__Config__V1__Configuration c = WEFT__CONFIG__V1__CONFIGURATION__INIT;
    Weft__Config__V1__Resource one = *r, *all[] = {&one};
    Weft__Config__V1__Cluster cluster;
    if (r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER) {
        cluster = *r->cluster;
        cluster.tls = NULL;
        one.cluster = &cluster;
    }
    c.resources = all;
    c.n_resources = 1;
    return fit_check(&c, refused, owner);
}

/* ---- a whole set ---- */

struct run {
    const struct policy_set *set;
    struct diag_list *diags, *notes;
    struct map said; /* why, or a remark -> itself: what is shared is looked at for everybody */
    unsigned count;
};

static void say(void *owner, const char *resource, const char *why)
{
    struct run *r = owner;
    struct diag what = {.file = SLICE("(compiled)"), .finding = FINDING_NOT_BUILT};
    (void)resource;
    if (map_put(&r->said, slice_from_cstr(why), r))
        return;
    r->count++;
    diag_add(r->diags, &what, "%s", why);
}

/* What was not said before. */
static void pass_on(struct run *r, struct diag_list *remarks)
{
    LIST_FOREACH(node, &remarks->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        if (!map_put(&r->said, diag_format(remarks, d), r))
            diag_add(r->notes, d, "%.*s", SLICE_ARG(d->text));
    }
}

static void check_target(struct run *r, const struct compile_target *target, bool whole)
{
    struct diag_list remarks, *to = r->notes ? &remarks : NULL;
    diag_list_init(&remarks);
    Weft__Config__V1__Configuration *c = whole ? compile_configuration(r->set, target, to)
                                               : compile_base(r->set, target, to);
    fit_check(c, say, r);
    compile_free(c);
    if (r->notes)
        pass_on(r, &remarks);
    diag_list_dispose(&remarks);
}

/* What a namespace's workloads call, and one of them that has no labels. What they call is the same
 * for all, but for routes and policies of their own: so one namespace is enough of those that have
 * neither. */
static void check_namespaces(struct run *r)
{
    struct map done;
    map_init(&done);
    for (size_t kind = KIND_INGRESS; kind < KIND_COUNT; kind++)
        for (size_t i = 0; i < r->set->all[kind].count; i++) {
            struct slice ns = r->set->all[kind].items[i]->meta.namespace_name;
            struct compile_target target = {.namespace_name = ns};
            if (!kind_all[kind]->is_cluster_scoped && ns.len && !map_put(&done, ns, r))
                check_target(r, &target, true);
        }
    if (!done.count && r->set->all[KIND_SERVICE].count) {
        struct compile_target any = {
            .namespace_name = r->set->all[KIND_SERVICE].items[0]->meta.namespace_name};
        check_target(r, &any, true);
    }
    map_dispose(&done);
}

unsigned fit_check_set(const struct policy_set *set, struct diag_list *diags,
                       struct diag_list *notes)
{
    struct run r = {.set = set, .diags = diags, .notes = notes};
    map_init(&r.said);
    for (size_t i = 0; i < set->all[KIND_GATEWAY].count; i++) {
        const struct metadata *meta = &set->all[KIND_GATEWAY].items[i]->meta;
        struct compile_target target = {.namespace_name = meta->namespace_name,
                                        .gateway = meta->name};
        check_target(&r, &target, true);
    }
    check_namespaces(&r);
    for (size_t i = 0; i < set->all[KIND_POD].count; i++) {
        const struct metadata *meta = &set->all[KIND_POD].items[i]->meta;
        struct compile_target target = {.namespace_name = meta->namespace_name,
                                        .workload = meta->name};
        check_target(&r, &target, false);
    }
    map_dispose(&r.said);
    return r.count;
}
