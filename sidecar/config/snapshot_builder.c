/* From messages to a snapshot: a resource whose name and version are known is not compiled again,
 * and what a changed cluster touches is only bound again. What cannot be built is refused alone,
 * and stays as it was. Everything is staged beside what the builder has, and taken over at the very
 * end: a configuration that is refused whole leaves no trace. Control thread. Must not know where
 * configurations come from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "sidecar/config/cluster_part.h"
#include "sidecar/config/gateway_core.h"
#include "sidecar/config/snapshot_priv.h"

#define BODY(kind) WEFT__CONFIG__V1__RESOURCE__BODY_##kind

/* One resource as it was built last. Holds one reference of each part it has. */
struct entry {
    uint64_t version;
    Weft__Config__V1__Resource__BodyCase kind;
    const struct cluster_conf *cluster;
    struct filter_part *filter;
    struct routed_core *core;
    struct routed *routed;
    struct inbound_part *inbound;
    struct workload_part *workload;
    struct mesh_part *mesh;
    struct consumer_part *consumer;
};

struct entries {
    struct entry *items;
    uint32_t count;
    struct map by_name;
};

struct snapshot_builder {
    struct entries entries;
    struct stable_ids ids;
    struct filter_keeps keeps;
    struct consumer_table *consumers; /* as published last; NULL: none */
    uint64_t version;
};

struct build {
    struct snapshot_builder *builder;
    const Weft__Config__V1__Configuration *configuration;
    struct snapshot *snapshot;
    struct entries staged; /* as the resources come */
    char *detail;
    snapshot_refused_fn refused; /* NULL: the whole is refused */
    void *owner;
};

static void init_entries(struct entries *e, size_t count)
{
    e->items = count ? mem_zalloc(count * sizeof(*e->items)) : NULL;
    e->count = (uint32_t)count;
    map_init(&e->by_name);
}

static void dispose_entries(struct entries *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        cluster_conf_unref(e->items[i].cluster);
        filter_part_unref(e->items[i].filter);
        routed_unref(e->items[i].routed);
        routed_core_unref(e->items[i].core);
        inbound_part_unref(e->items[i].inbound);
        workload_part_unref(e->items[i].workload);
        mesh_part_unref(e->items[i].mesh);
        consumer_part_unref(e->items[i].consumer);
    }
    mem_free(e->items);
    map_dispose(&e->by_name);
}

struct snapshot_builder *snapshot_builder_create(void)
{
    struct snapshot_builder *b = mem_zalloc(sizeof(*b));
    init_entries(&b->entries, 0);
    stable_ids_init(&b->ids);
    filter_keeps_init(&b->keeps);
    return b;
}

void snapshot_builder_destroy(struct snapshot_builder *b)
{
    dispose_entries(&b->entries);
    stable_ids_dispose(&b->ids);
    filter_keeps_dispose(&b->keeps);
    consumer_table_unref(b->consumers);
    mem_free(b);
}

unsigned snapshot_builder_purge(struct snapshot_builder *b, const struct filter_purge *what)
{
    return filter_keeps_purge(&b->keeps, what);
}

static enum err refuse(const struct build *b, const char *resource, const char *why)
{
    snprintf(b->detail, PART_DETAIL_MAX, "%s: %s", resource, why);
    return ERR_INVALID;
}

/* The entry of the same name and kind from the last build; NULL: none. */
static const struct entry *entry_before(const struct build *b, const Weft__Config__V1__Resource *r)
{
    const struct entry *e = map_get(&b->builder->entries.by_name, slice_from_cstr(r->name));
    return e && e->kind == r->body_case ? e : NULL;
}

/* The same, if it can be used as it is. A version of zero means that nobody computed one. */
static const struct entry *entry_current(const struct build *b, const Weft__Config__V1__Resource *r)
{
    const struct entry *e = entry_before(b, r);
    return e && e->version == r->version && r->version != 0 ? e : NULL;
}

/* ---- one that cannot be built ---- */

/* Told, and ERR_OK: the others go on. Else the error. */
static enum err refuse_alone(const struct build *b, const char *resource, enum err err)
{
    if (!err || !b->refused)
        return err;
    b->refused(b->owner, resource, b->detail);
    return ERR_OK;
}

static void keep_cluster(struct build *b, const struct entry *before, struct entry *e)
{
    cluster_conf_unref(e->cluster);
    /* It may have been refused before, and then there was none. */
    e->cluster = before && before->cluster ? cluster_conf_ref(before->cluster) : NULL;
    e->version = before ? before->version : 0;
    if (!e->cluster || snapshot_add_cluster(b->snapshot, e->cluster))
        return;
    cluster_conf_unref(e->cluster);
    e->cluster = NULL;
}

/* Its addresses are the mesh's all the same: what goes there must not pass as if it were not. */
static struct routed_core *make_closed(const Weft__Config__V1__Resource *r)
{
    static char any_host[] = "*", name[] = "refused", none[] = "";
    char *any = any_host, ignored[PART_DETAIL_MAX];
    struct routed_core *core = NULL;
    Weft__Config__V1__Destination closed = *r->destination;
    Weft__Config__V1__VirtualHost host = WEFT__CONFIG__V1__VIRTUAL_HOST__INIT;
    Weft__Config__V1__VirtualHost *hosts[] = {&host};
    Weft__Config__V1__Route route = WEFT__CONFIG__V1__ROUTE__INIT;
    Weft__Config__V1__Route *routes[] = {&route};
    Weft__Config__V1__Resource resource = *r;
    route.name = name;
    route.direct_status = 500;
    host.hosts = &any;
    host.n_hosts = 1;
    host.routes = routes;
    host.n_routes = 1;
    closed.virtual_hosts = hosts;
    closed.n_virtual_hosts = 1;
    closed.default_cluster = none;
    resource.destination = &closed;
    return routed_core_create_destination(&resource, ignored, &core) ? NULL : core;
}

static void keep_core(const struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    const struct entry *before = entry_before(b, r);
    e->version = before ? before->version : 0;
    if (before && before->core)
        e->core = routed_core_ref(before->core);
    else if (r->body_case == BODY(DESTINATION))
        e->core = make_closed(r);
}

/* Who may call us is not known: nobody may, but what was allowed before. */
static void keep_inbound(const struct build *b, const Weft__Config__V1__Resource *r,
                         struct entry *e)
{
    const struct entry *before = entry_before(b, r);
    e->version = before ? before->version : 0;
    e->inbound = before && before->inbound ? inbound_part_ref(before->inbound)
                                           : inbound_part_create_closed();
}

/* ---- compiling, or sharing ---- */

static enum err stage_cluster(struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    const struct entry *old = entry_current(b, r), *before = entry_before(b, r);
    enum err err = ERR_OK;
    if (old)
        e->cluster = cluster_conf_ref(old->cluster);
    else
        err = cluster_part_create(&b->builder->ids, r, before ? before->cluster : NULL, b->detail,
                                  &e->cluster);
    if (!err && !snapshot_add_cluster(b->snapshot, e->cluster))
        err = refuse(b, r->name, "there are two clusters of this name");
    if (err && b->refused)
        keep_cluster(b, before, e);
    return refuse_alone(b, r->name, err);
}

static enum err stage_filter(struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    const struct entry *old = entry_current(b, r), *before = entry_before(b, r);
    if (old) {
        e->filter = filter_part_ref(old->filter);
        return ERR_OK;
    }
    enum err err = filter_part_create(r, &b->builder->keeps, b->detail, &e->filter);
    if (err && b->refused) {
        e->version = before ? before->version : 0;
        e->filter = before ? filter_part_ref(before->filter)
                           : filter_part_create_broken(r->name, b->detail);
    }
    return refuse_alone(b, r->name, err);
}

/* A filter_find_fn. */
static struct filter_part *find_filter(const void *staged, struct slice name)
{
    const struct entry *e = map_get(&((const struct entries *)staged)->by_name, name);
    return e ? e->filter : NULL;
}

static enum err make_core(struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    const struct entry *old = entry_current(b, r), *before = entry_before(b, r);
    if (old) {
        e->core = routed_core_ref(old->core);
        return ERR_OK;
    }
    if (r->body_case == BODY(DESTINATION))
        return routed_core_create_destination(r, b->detail, &e->core);
    return gateway_core_create(r, before ? before->core : NULL, b->detail, &e->core);
}

static enum err stage_routed(struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    const struct entry *before = entry_before(b, r);
    enum err err = make_core(b, r, e);
    if (err && b->refused)
        keep_core(b, r, e);
    err = refuse_alone(b, r->name, err);
    if (!err && e->core)
        e->routed = routed_bind(e->core, before ? before->routed : NULL,
                                &(struct routed_finder){snapshot_find_cluster, b->snapshot,
                                                        find_filter, &b->staged});
    return err;
}

static enum err stage_inbound(struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    const struct entry *old = entry_current(b, r);
    enum err err = ERR_OK;
    if (b->snapshot->inbound)
        return refuse_alone(b, r->name, refuse(b, r->name, "there are two inbound resources"));
    if (old)
        e->inbound = inbound_part_ref(old->inbound);
    else
        err = inbound_part_create(r, b->detail, &e->inbound);
    if (err && b->refused)
        keep_inbound(b, r, e);
    if (e->inbound) {
        struct inbound_part *bound = inbound_part_bind(e->inbound, find_filter, &b->staged);
        inbound_part_unref(e->inbound);
        e->inbound = bound;
        b->snapshot->inbound = inbound_part_ref(bound);
    }
    return refuse_alone(b, r->name, err);
}

static enum err stage_workload(struct build *b, const Weft__Config__V1__Resource *r,
                               struct entry *e)
{
    const struct entry *old = entry_current(b, r), *before = entry_before(b, r);
    if (old) {
        e->workload = workload_part_ref(old->workload);
        return ERR_OK;
    }
    enum err err = workload_part_create(r, b->detail, &e->workload);
    if (err && b->refused && before && before->workload) {
        e->workload = workload_part_ref(before->workload);
        e->version = before->version;
    }
    return refuse_alone(b, r->name, err);
}

static enum err stage_mesh(struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    const struct entry *old = entry_current(b, r), *before = entry_before(b, r);
    enum err err = ERR_OK;
    if (b->snapshot->mesh)
        err = refuse(b, r->name, "there are two resources with the mesh's settings");
    else if (old)
        e->mesh = mesh_part_ref(old->mesh);
    else
        err = mesh_part_create(r, b->detail, &e->mesh);
    if (err && b->refused && !b->snapshot->mesh && before && before->mesh) {
        e->mesh = mesh_part_ref(before->mesh);
        e->version = before->version;
    }
    if (e->mesh)
        b->snapshot->mesh = mesh_part_ref(e->mesh);
    return refuse_alone(b, r->name, err);
}

static void stage_consumer(struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    const struct entry *old = entry_current(b, r);
    e->consumer = old ? consumer_part_bind(old->consumer, find_filter, &b->staged)
                      : consumer_part_create(r, find_filter, &b->staged);
}

static enum err stage(struct build *b, const Weft__Config__V1__Resource *r, struct entry *e)
{
    switch (r->body_case) {
    case BODY(CLUSTER):
    case BODY(FILTER):
        return ERR_OK; /* the first round's */
    case BODY(DESTINATION):
    case BODY(GATEWAY):
        return stage_routed(b, r, e);
    case BODY(INBOUND):
        return stage_inbound(b, r, e);
    case BODY(WORKLOAD):
        return stage_workload(b, r, e);
    case BODY(MESH):
        return stage_mesh(b, r, e);
    case BODY(CONSUMER):
        stage_consumer(b, r, e);
        return ERR_OK;
    default:
        return refuse_alone(b, r->name, refuse(b, r->name, "a resource of an unknown kind"));
    }
}

/* Names first: what a resource is called is how it is found again. */
static enum err stage_names(struct build *b)
{
    const Weft__Config__V1__Configuration *c = b->configuration;
    size_t clusters = 0;
    for (size_t i = 0; i < c->n_resources; i++) {
        const Weft__Config__V1__Resource *r = c->resources[i];
        struct entry *e = &b->staged.items[i];
        struct entry *first = map_put(&b->staged.by_name, slice_from_cstr(r->name), e);
        if (first) {
            map_put(&b->staged.by_name, slice_from_cstr(r->name), first);
            enum err err = refuse(b, r->name, "there are two resources of this name");
            if (refuse_alone(b, r->name, err))
                return err;
            continue; /* of no kind: left out */
        }
        e->version = r->version;
        e->kind = r->body_case;
        clusters += r->body_case == BODY(CLUSTER);
    }
    snapshot_reserve_clusters(b->snapshot, clusters);
    return ERR_OK;
}

/* Another of its name came first. */
static bool is_left_out(const struct entries *staged, const Weft__Config__V1__Configuration *c,
                        size_t i)
{
    return map_get(&staged->by_name, slice_from_cstr(c->resources[i]->name)) != &staged->items[i];
}

static enum err stage_all(struct build *b)
{
    const Weft__Config__V1__Configuration *c = b->configuration;
    enum err e = stage_names(b);
    for (size_t i = 0; i < c->n_resources && !e; i++) {
        if (b->staged.items[i].kind == BODY(CLUSTER))
            e = stage_cluster(b, c->resources[i], &b->staged.items[i]);
        else if (b->staged.items[i].kind == BODY(FILTER))
            e = stage_filter(b, c->resources[i], &b->staged.items[i]);
    }
    for (size_t i = 0; i < c->n_resources && !e; i++)
        if (!is_left_out(&b->staged, c, i))
            e = stage(b, c->resources[i], &b->staged.items[i]);
    return e;
}

/* ---- the tables ---- */

static void measure(const struct build *b, struct snapshot_sizes *sizes)
{
    *sizes = (struct snapshot_sizes){0};
    for (uint32_t i = 0; i < b->staged.count; i++) {
        const struct entry *e = &b->staged.items[i];
        sizes->workloads += e->workload != NULL;
        if (!e->routed)
            continue;
        sizes->gateways += e->core->is_gateway;
        sizes->destinations += !e->core->is_gateway;
        sizes->addresses += e->core->address_count;
        sizes->hosts += e->core->host_count;
    }
}

/* The directory: the former one where no consumer has changed. */
static void gather_consumers(struct build *b)
{
    struct consumer_part **parts = mem_alloc((b->staged.count + 1) * sizeof(*parts));
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->staged.count; i++)
        if (b->staged.items[i].consumer)
            parts[count++] = b->staged.items[i].consumer;
    b->snapshot->consumers = consumer_table_make(parts, count, b->builder->consumers);
    mem_free(parts);
}

static enum err fill(struct build *b)
{
    struct snapshot_sizes sizes;
    measure(b, &sizes);
    snapshot_reserve(b->snapshot, &sizes);
    for (uint32_t i = 0; i < b->staged.count; i++) {
        const struct entry *e = &b->staged.items[i];
        if (e->workload)
            snapshot_add_workload(b->snapshot, e->workload);
        else if (e->routed && !e->core->is_gateway)
            snapshot_add_destination(b->snapshot, e->routed);
        else if (e->routed && !snapshot_add_gateway(b->snapshot, e->routed)) {
            const char *name = b->configuration->resources[i]->name;
            enum err err = refuse(b, name, "another gateway has this port already");
            if (refuse_alone(b, name, err))
                return err;
        }
    }
    gather_consumers(b);
    if (!b->snapshot->inbound)
        b->snapshot->inbound = inbound_part_create_default();
    if (!b->snapshot->mesh)
        b->snapshot->mesh = mesh_part_create_default();
    return ERR_OK;
}

static enum err run(struct build *b, struct snapshot **out)
{
    struct snapshot_builder *builder = b->builder;
    *out = NULL;
    b->snapshot = snapshot_create(builder->version + 1);
    stable_ids_sweep(&builder->ids);
    filter_keeps_sweep(&builder->keeps);
    init_entries(&b->staged, b->configuration->n_resources);
    enum err e = stage_all(b);
    if (!e)
        e = fill(b);
    if (e) {
        dispose_entries(&b->staged);
        snapshot_unref(b->snapshot);
        return e;
    }
    dispose_entries(&builder->entries);
    builder->entries = b->staged;
    consumer_table_unref(builder->consumers);
    builder->consumers = consumer_table_ref(b->snapshot->consumers);
    builder->version++;
    *out = b->snapshot;
    return ERR_OK;
}

enum err snapshot_build(struct snapshot_builder *builder,
                        const Weft__Config__V1__Configuration *configuration, struct snapshot **out,
                        char detail[256])
{
    struct build b = {.builder = builder, .configuration = configuration, .detail = detail};
    return run(&b, out);
}

struct snapshot *snapshot_build_what_can_be(struct snapshot_builder *builder,
                                            const Weft__Config__V1__Configuration *configuration,
                                            snapshot_refused_fn refused, void *owner)
{
    char detail[PART_DETAIL_MAX];
    struct snapshot *snapshot;
    struct build b = {.builder = builder,
                      .configuration = configuration,
                      .detail = detail,
                      .refused = refused,
                      .owner = owner};
    enum err e = run(&b, &snapshot);
    (void)e; /* whatever fails is refused alone */
    return snapshot;
}
