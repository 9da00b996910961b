/* Filters of filters.def: the resources, and the names by which routes, shares and inbound ports
 * have them. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

#include <inttypes.h>

#include "lib/codec/doc/doc_json.h"
#include "lib/schema/schema_write.h"
#include "policies/compile/backend_trust.h"
#include "policies/compile/material.h"
#include "policies/compile/protocol.h"
#include "policies/store/filter_ref.h"

/* ---- resources ---- */

static char *write_spec(struct compile *c, const struct filter *f, const void *spec)
{
    struct buf text;
    buf_init(&text);
    schema_write(f->spec, spec, &text);
    struct slice whole = buf_take_into(&text, c->arena);
    buf_dispose(&text);
    return arena_strdup(c->arena, whole);
}

static PB(Filter) * make(struct compile *c, const char *type, char *spec, struct slice broken)
{
    PB(Filter) *m = PB_NEW(c, Filter, filter);
    m->type = compile_build_text(c, slice_from_cstr(type));
    m->spec = spec;
    m->broken = compile_build_text(c, broken);
    return m;
}

PB(Filter) * compile_chain_message(struct compile *c, const struct filter *f, const void *spec)
{
    return make(c, f->name, write_spec(c, f, spec), SLICE(""));
}

static void put(struct compile *c, const char *name, PB(Filter) * m)
{
    map_put(&c->filters, slice_from_cstr(name), m);
    compile_build_resource(c, name, WEFT__CONFIG__V1__RESOURCE__BODY_FILTER, m);
}

static void add(struct compile *c, const char *name, const char *type, char *spec,
                struct slice broken)
{
    put(c, name, make(c, type, spec, broken));
}

/* Nobody's own: named by what it is. Two that only share their hash are still two. */
static char *add_unnamed(struct compile *c, const struct filter *f, char *spec)
{
    uint64_t hash = slice_hash(slice_from_cstr(spec));
    for (;; hash++) {
        char *name = compile_build_format(c, "filter/%s/%016" PRIx64, f->name, hash);
        const PB(Filter) *there = map_get(&c->filters, slice_from_cstr(name));
        if (!there)
            add(c, name, f->name, spec, SLICE(""));
        if (!there || strcmp(there->spec, spec) == 0)
            return name;
    }
}

char *compile_chain_filter(struct compile *c, const struct filter *f, const void *spec,
                           struct slice id)
{
    char *text = write_spec(c, f, spec);
    if (!id.len)
        return add_unnamed(c, f, text);
    char *name = compile_build_format(c, "filter/%.*s/%s", SLICE_ARG(id), f->name);
    if (!map_get(&c->filters, slice_from_cstr(name)))
        add(c, name, f->name, text, SLICE(""));
    return name;
}

char *compile_chain_broken(struct compile *c, struct slice id, struct slice why)
{
    char *name = compile_build_format(c, "filter/%.*s/broken", SLICE_ARG(id));
    if (!map_get(&c->filters, slice_from_cstr(name)))
        add(c, name, "", compile_build_text(c, SLICE("")), why);
    return name;
}

/* ---- with what its references lead to ---- */

static struct slice id_of(struct compile *c, const struct object *o)
{
    return arena_printf(c->arena, "%.*s/%.*s", SLICE_ARG(o->meta.namespace_name),
                        SLICE_ARG(o->meta.name));
}

struct fill {
    struct compile *c;
    const struct object *owner;
    PB(Filter) * to;
};

/* A Secret's value lies beside the specification, where nothing shows it. */
static struct slice put_secret(struct fill *f, struct slice bytes)
{
    struct slice copy = arena_copy(f->c->arena, bytes);
    ProtobufCBinaryData data = {copy.len, (uint8_t *)(uintptr_t)copy.ptr};
    PB_PUSH(f->c, f->to, secrets, data);
    return arena_decimal(f->c->arena, f->to->n_secrets - 1);
}

static struct slice need_cluster(struct compile *c, const struct backend *b)
{
    const struct backend_tls_policy *tls =
        c->is_gateway ? backend_trust_find(c->set, b->service, b->port) : NULL;
    char *name = compile_clusters_need(c, b->service, b->port, tls);
    return name ? slice_from_cstr(name) : (struct slice){NULL, 0};
}

static struct slice need_document(struct compile *c, const struct material *found,
                                  const struct schema_ref *ref)
{
    if (found->backend.service)
        return need_cluster(c, &found->backend);
    return slice_from_cstr(compile_clusters_host(c, &found->uri, ref->allows_local));
}

static void fill_ref(void *owner, enum schema_ref_kind kind, struct schema_ref *ref,
                     const char *path)
{
    struct fill *f = owner;
    struct material found;
    (void)path;
    if (material_resolve(f->c->set, f->owner, kind, ref, f->c->arena, &found))
        return;
    ref->value = kind == SCHEMA_REF_BACKEND  ? need_cluster(f->c, &found.backend)
                 : kind == SCHEMA_REF_URI    ? need_document(f->c, &found, ref)
                 : kind == SCHEMA_REF_SECRET ? put_secret(f, found.bytes)
                                             : found.bytes;
    if (kind == SCHEMA_REF_CONSUMERS)
        compile_consumers_need(f->c, ref->value);
}

/* The object keeps its specification as it is; what is filled in is a copy. */
static void *copy_spec(struct compile *c, const struct filter *f, const char *text)
{
    const struct doc *doc;
    struct doc_error error;
    struct diag_list ignored;
    struct schema_run run = {.arena = c->arena, .diags = &ignored, .is_wire = true};
    void *copy = arena_alloc(c->arena, f->spec->size);
    diag_list_init(&ignored);
    bool is_read = !doc_json_parse(slice_from_cstr(text), c->arena, &doc, &error);
    schema_parse(&run, f->spec, is_read ? doc : NULL, copy);
    diag_list_dispose(&ignored);
    return copy;
}

void *compile_chain_filled(struct compile *c, const struct filter *f, const void *spec,
                           const struct object *owner)
{
    struct fill fill = {c, owner, PB_NEW(c, Filter, filter)};
    void *filled = copy_spec(c, f, write_spec(c, f, spec));
    schema_ref_walk(f->spec, filled, fill_ref, &fill);
    return filled;
}

char *compile_chain_object(struct compile *c, const struct filter *f, const void *spec,
                           const struct object *owner)
{
    struct slice id = id_of(c, owner), why;
    if (!schema_ref_is_in(f->spec))
        return compile_chain_filter(c, f, spec, id);
    char *name = compile_build_format(c, "filter/%.*s/%s", SLICE_ARG(id), f->name);
    if (map_get(&c->filters, slice_from_cstr(name)))
        return name;
    if (material_check(c->set, owner, f->spec, spec, c->arena, &why)) {
        compile_build_note(c, owner, 0, "spec", FINDING_FILTER_REFERENCE, "%s.%.*s: answered 500",
                           f->name, SLICE_ARG(why));
        return compile_chain_broken(c, id, why);
    }
    struct fill fill = {c, owner, PB_NEW(c, Filter, filter)};
    void *filled = copy_spec(c, f, write_spec(c, f, spec));
    schema_ref_walk(f->spec, filled, fill_ref, &fill);
    fill.to->type = compile_build_text(c, slice_from_cstr(f->name));
    fill.to->spec = write_spec(c, f, filled);
    put(c, name, fill.to);
    return name;
}

/* ---- HTTPFilters ---- */

static char *need(struct compile *c, const struct http_filter *o)
{
    const void *spec;
    const struct filter *f = http_filter_chosen(o, &spec);
    if (o->object.is_closed)
        return compile_chain_broken(
            c, id_of(c, &o->object),
            arena_printf(c->arena, "%.*s cannot be read", SLICE_ARG(o->object.text)));
    return compile_chain_object(c, f, spec, &o->object);
}

/* What an ExtensionRef names. */
static char *need_ref(struct compile *c, const struct object *route,
                      const struct http_route_extension *ref)
{
    const struct http_filter *found;
    enum filter_ref_fault fault = filter_ref_resolve(c->set, route, ref, &found);
    if (fault == FILTER_REF_OK)
        return need(c, found);
    struct slice why = filter_ref_explain(c->arena, c->set, route, ref, fault);
    compile_build_note(c, route, ref->line, "spec.rules.filters", FINDING_FILTER_MISSING,
                       "%.*s: answered 500", SLICE_ARG(why));
    bool is_kind = fault == FILTER_REF_UNKNOWN_KIND;
    struct slice id = arena_printf(
        c->arena, "%.*s/%.*s%s%.*s", SLICE_ARG(route->meta.namespace_name), SLICE_ARG(ref->name),
        is_kind ? "." : "", SLICE_ARG(is_kind ? ref->kind : SLICE("")));
    return compile_chain_broken(c, id, why);
}

/* The names that a route, a share or a port has so far. */
struct chain {
    char **names;
    size_t count;
};

static void push(struct compile *c, struct chain *to, char *name)
{
    for (size_t i = 0; i < to->count; i++)
        if (strcmp(to->names[i], name) == 0)
            return;
    to->names = compile_build_grow(c, to->names, to->count, sizeof *to->names);
    to->names[to->count++] = name;
}

static bool has_type(const struct compile *c, const struct chain *in, const char *type)
{
    for (size_t i = 0; i < in->count; i++) {
        const PB(Filter) *f = map_get(&c->filters, slice_from_cstr(in->names[i]));
        if (strcmp(f->type, type) == 0)
            return true;
    }
    return false;
}

static void push_refs(struct compile *c, struct chain *to, const struct object *route,
                      const struct schema_list *filters)
{
    for (SCHEMA_EACH(*filters, struct http_route_filter, f))
        if (f->type == HTTP_ROUTE_FILTER_EXTENSION && f->extension)
            push(c, to, need_ref(c, route, f->extension));
}

/* Those that are for an object or a section of it. One that cannot be read closes whatever it is
 * for: nobody knows of which type it was. wants: NULL, or which of them. */
static void push_some(struct compile *c, struct chain *to, enum policy_group group,
                      const struct object *target, struct slice section,
                      bool (*wants)(const struct http_filter *o))
{
    const struct metadata *meta = &target->meta;
    const struct object_list *all =
        policy_index_group(c->set, group, meta->namespace_name, meta->name);
    for (int wanted = 2; wanted > 0; wanted--)
        for (size_t i = 0; i < all->count; i++) {
            const struct http_filter *o = POLICY_AT(all, struct http_filter, i);
            const void *spec;
            int how =
                policy_target_fit(&o->spec.targets, target->kind->name, meta->name, section);
            if (how == wanted && (!wants || wants(o)) &&
                (o->object.is_closed || !has_type(c, to, http_filter_chosen(o, &spec)->name)))
                push(c, to, need(c, o));
        }
}

static void push_targeting(struct compile *c, struct chain *to, enum policy_group group,
                           const struct object *target, struct slice section)
{
    push_some(c, to, group, target, section, NULL);
}

void compile_chain_route(struct compile *c, const struct compile_route *from,
                         const struct compile_parent *parent, PB(Route) * to)
{
    const struct object *route = &from->route->object;
    struct chain all = {to->filters, to->n_filters};
    push_refs(c, &all, route, &from->rule->filters);
    push_targeting(c, &all, POLICY_GROUP_ROUTE_FILTERS, route, from->rule->name);
    if (parent->gateway)
        push_targeting(c, &all, POLICY_GROUP_GATEWAY_FILTERS, parent->gateway, parent->listener);
    to->filters = all.names;
    to->n_filters = all.count;
}

/* What cannot be read closes routes; where there is none, nothing is to be closed. */
static bool sees_every_answer(const struct http_filter *o)
{
    const void *spec;
    return !o->object.is_closed && http_filter_chosen(o, &spec)->sees_every_answer;
}

void compile_chain_unrouted(struct compile *c, const struct object *gateway, struct slice listener,
                            PB(GatewayPort) * to)
{
    struct chain all = {to->unrouted_filters, to->n_unrouted_filters};
    push_some(c, &all, POLICY_GROUP_GATEWAY_FILTERS, gateway, listener, sees_every_answer);
    to->unrouted_filters = all.names;
    to->n_unrouted_filters = all.count;
}

void compile_chain_share(struct compile *c, const struct compile_route *from,
                         const struct schema_list *filters, PB(WeightedCluster) * to)
{
    struct chain all = {to->filters, to->n_filters};
    push_refs(c, &all, &from->route->object, filters);
    to->filters = all.names;
    to->n_filters = all.count;
}

/* Bytes meet no filter. */
static void note_not_http(struct compile *c, const struct service *s,
                          const struct service_port *port)
{
    const struct metadata *meta = &s->object.meta;
    const struct object_list *all = policy_index_group(c->set, POLICY_GROUP_SERVICE_FILTERS,
                                                       meta->namespace_name, meta->name);
    for (size_t i = 0; i < all->count; i++) {
        const struct http_filter *o = POLICY_AT(all, struct http_filter, i);
        if (policy_target_fit(&o->spec.targets, "Service", meta->name, port->name))
            compile_build_note(c, all->items[i], 0, "spec.targetRefs", FINDING_RULE_NOT_HTTP,
                               "port %d of %.*s is declared not to speak HTTP: the filter does "
                               "nothing there",
                               (int)port->port, SLICE_ARG(s->object.text));
    }
}

void compile_chain_port(struct compile *c, const struct service *s, const struct service_port *port,
                        PB(InboundPort) * to)
{
    if (!protocol_may_be_http(to->protocol)) {
        note_not_http(c, s, port);
        return;
    }
    struct chain all = {to->filters, to->n_filters};
    push_targeting(c, &all, POLICY_GROUP_SERVICE_FILTERS, &s->object, port->name);
    to->filters = all.names;
    to->n_filters = all.count;
}

void compile_chain_consumer(struct compile *c, const struct object *consumer, PB(Consumer) * to)
{
    struct chain all = {to->filters, to->n_filters};
    push_targeting(c, &all, POLICY_GROUP_CONSUMER_FILTERS, consumer, SLICE(""));
    to->filters = all.names;
    to->n_filters = all.count;
}

/* ---- conflicts ---- */

void compile_chain_note_conflicts(struct compile *c, const struct object_list *filters)
{
    const void *spec;
    for (size_t i = 1; i < filters->count; i++) {
        const struct http_filter *late = POLICY_AT(filters, struct http_filter, i);
        const struct filter *f = http_filter_chosen(late, &spec);
        for (size_t j = 0; j < i; j++) {
            const struct http_filter *early = POLICY_AT(filters, struct http_filter, j);
            if (http_filter_chosen(early, &spec) == f &&
                policy_target_is_shared(&early->spec.targets, &late->spec.targets))
                compile_build_note(c, &late->object, 0, "spec", FINDING_POLICY_CONFLICT,
                                   "%s not in force: %.*s is for the same target and comes first",
                                   f->name, SLICE_ARG(early->object.text));
        }
    }
}
