/* The status of Gateways and ListenerSets, out of their model and of how the data plane is. Control
 * thread. Must not know how listeners are judged.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/addr.h"
#include "policies/status/status_priv.h"

/* One Gateway with its data plane. */
struct view {
    struct status_run *run;
    const struct gateway_model *model;
    struct status_gateway plane;
};

/* ---- addresses ---- */

static bool is_same_address(struct slice a, struct slice b)
{
    struct addr x, y;
    if (slice_eq(a, b))
        return true;
    return !addr_parse(a, &x) && !addr_parse(b, &y) && addr_eq_ip(&x, &y);
}

static bool has_address(const struct status_gateway *plane, struct slice wanted)
{
    for (size_t i = 0; i < plane->address_count; i++)
        if (is_same_address(plane->addresses[i], wanted))
            return true;
    return false;
}

/* What was asked for and was not given; empty: everything was. */
static struct slice missing_address(const struct view *v)
{
    for (SCHEMA_EACH(v->model->gateway->spec.addresses, struct gateway_address, a))
        if (a->value.len && !has_address(&v->plane, a->value))
            return a->value;
    return SLICE("");
}

static void put_addresses(struct status_doc *d, const struct status_gateway *plane)
{
    struct addr ip;
    struct doc *array = doc_make_put_array(d->arena, d->root, "addresses");
    for (size_t i = 0; i < plane->address_count; i++) {
        struct doc *item = status_doc_push(d, array);
        bool is_ip = addr_parse(plane->addresses[i], &ip) == ERR_OK;
        status_doc_text(d, item, "type", is_ip ? SLICE("IPAddress") : SLICE("Hostname"));
        status_doc_text(d, item, "value", plane->addresses[i]);
    }
}

/* ---- listeners ---- */

static struct status_condition not_running(const struct view *v)
{
    const struct status_gateway *plane = &v->plane;
    struct slice unknown = SLICE("no data plane has this configuration in force yet");
    return (struct status_condition){"Programmed", false, plane->is_refused ? "Invalid" : "Pending",
                                     plane->text.len ? plane->text : unknown};
}

/* What is refused of a Gateway is refused port by port, and the other ports are in force. */
static bool is_running_at(const struct view *v, unsigned port,
                          const struct status_refusal **refusal)
{
    const struct metadata *meta = &v->model->gateway->object.meta;
    *refusal = status_refusal_of_gateway(v->run, meta->namespace_name, meta->name, port);
    if (*refusal)
        return false;
    return v->plane.is_running ||
           (v->plane.is_refused && v->plane.is_ready &&
            status_refusal_of_gateway(v->run, meta->namespace_name, meta->name, 0));
}

static struct status_condition listener_programmed(const struct view *v,
                                                   const struct gateway_model_listener *l)
{
    if (!l->conflict.ok)
        return status_doc_of("Programmed", &l->conflict);
    if (!l->is_served)
        return (struct status_condition){"Programmed", false, "Invalid",
                                         !l->accepted.ok   ? l->accepted.text
                                         : !l->resolved.ok ? l->resolved.text
                                                           : SLICE("the Gateway is not accepted")};
    const struct status_refusal *refusal;
    if (!is_running_at(v, (unsigned)l->from->port, &refusal) && refusal)
        return (struct status_condition){"Programmed", false, "Invalid", refusal->text};
    if (!is_running_at(v, (unsigned)l->from->port, &refusal))
        return not_running(v);
    return (struct status_condition){"Programmed", true, "Programmed",
                                     SLICE("the listener is in force")};
}

static void put_kinds(struct status_doc *d, struct doc *to, unsigned kinds)
{
    struct doc *array = doc_make_put_array(d->arena, to, "supportedKinds");
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        if (!(kinds & 1u << id))
            continue;
        struct doc *item = status_doc_push(d, array);
        status_doc_text(d, item, "group", slice_from_cstr(kind_all[id]->group));
        status_doc_text(d, item, "kind", slice_from_cstr(kind_all[id]->name));
    }
}

static void put_listener(struct status_doc *d, struct doc *to, const struct view *v,
                         const struct gateway_model_listener *l)
{
    const struct doc *before =
        status_doc_find(status_doc_old(d->object, "listeners"), "name", l->from->name);
    struct status_condition items[5];
    size_t count = 0;
    items[count++] = status_doc_of("Accepted", &l->accepted);
    items[count++] = listener_programmed(v, l);
    items[count++] = status_doc_of("ResolvedRefs", &l->resolved);
    items[count] = status_doc_of("Conflicted", &l->conflict);
    items[count++].ok = !l->conflict.ok;
    if (l->overlaps)
        items[count++] = (struct status_condition){
            "OverlappingTLSConfig", true, "OverlappingHostnames",
            SLICE("another listener on this port has TLS for some of these hosts")};
    status_doc_text(d, to, "name", l->from->name);
    put_kinds(d, to, l->kinds);
    doc_make_put_int(d->arena, to, "attachedRoutes", (int64_t)l->n_routes);
    status_doc_conditions(d, to, doc_get(before, SLICE("conditions")), items, count);
}

static void put_listeners(struct status_doc *d, const struct view *v, size_t first, size_t count)
{
    struct doc *array = doc_make_put_array(d->arena, d->root, "listeners");
    for (size_t i = first; i < first + count; i++)
        put_listener(d, status_doc_push(d, array), v, &v->model->listeners[i]);
}

/* ---- Gateway ---- */

static bool serves(const struct gateway_model *m)
{
    for (size_t i = 0; i < m->n_listeners; i++)
        if (m->listeners[i].is_served)
            return true;
    return false;
}

static struct status_condition gateway_programmed(const struct view *v)
{
    struct slice missing = missing_address(v);
    const struct gateway_model *m = v->model;
    if (!m->accepted.ok || !serves(m))
        return (struct status_condition){"Programmed", false, "Invalid", m->accepted.text};
    if (missing.len)
        return (struct status_condition){
            "Programmed", false, "AddressNotUsable",
            arena_printf(&v->run->scratch, "the address %.*s was asked for and could not be had",
                         SLICE_ARG(missing))};
    if (!v->plane.address_count)
        return (struct status_condition){
            "Programmed", false, "AddressNotAssigned",
            v->plane.text.len ? v->plane.text : SLICE("the Gateway has no address yet")};
    if (!v->plane.is_running)
        return not_running(v);
    return (struct status_condition){"Programmed", true, "Programmed",
                                     SLICE("the Gateway is in force")};
}

static size_t count_sets(const struct gateway_model *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->n_sets; i++)
        count += m->sets[i].accepted.ok;
    return count;
}

static void emit_gateway(const struct view *v)
{
    const struct gateway_model *m = v->model;
    const struct object *o = &m->gateway->object;
    struct status_doc d;
    struct status_condition items[4] = {
        status_doc_of("Accepted", &m->accepted),
        gateway_programmed(v),
        status_doc_of("ResolvedRefs", &m->resolved),
        {"InsecureFrontendValidationMode", true, "ConfigurationChanged",
         SLICE("clients without a good certificate are let in: AllowInsecureFallback")},
    };
    status_doc_begin(&d, v->run, o);
    put_addresses(&d, &v->plane);
    doc_make_put_int(d.arena, d.root, "attachedListenerSets", (int64_t)count_sets(m));
    status_doc_conditions(&d, d.root, status_doc_old(o, "conditions"), items,
                          m->has_fallback ? 4 : 3);
    put_listeners(&d, v, 0, m->n_own);
    status_doc_end(&d, false);
}

/* ---- ListenerSet ---- */

static struct status_condition set_programmed(const struct view *v,
                                              const struct gateway_model_set *s)
{
    if (!s->accepted.ok)
        return status_doc_of("Programmed", &s->accepted);
    if (!v->plane.is_running)
        return not_running(v);
    return (struct status_condition){"Programmed", true, "Programmed",
                                     SLICE("the listeners are in force")};
}

static void emit_set(const struct view *v, const struct gateway_model_set *s)
{
    const struct object *o = &s->set->object;
    struct status_doc d;
    struct status_condition items[] = {status_doc_of("Accepted", &s->accepted),
                                       set_programmed(v, s)};
    status_doc_begin(&d, v->run, o);
    status_doc_conditions(&d, d.root, status_doc_old(o, "conditions"), items, 2);
    put_listeners(&d, v, s->first, s->count);
    status_doc_end(&d, false);
}

void status_gateway_all(struct status_run *run)
{
    for (size_t i = 0; i < run->n_models; i++) {
        struct view v = {.run = run, .model = run->models[i]};
        if (run->in->gateway)
            run->in->gateway(run->in->owner, &v.model->gateway->object, &v.plane);
        emit_gateway(&v);
        for (size_t k = 0; k < v.model->n_sets; k++)
            emit_set(&v, &v.model->sets[k]);
    }
}
