/* The status of Gateways and ListenerSets, out of their model and of how the data plane is. Control
 * thread. Must not know how listeners are judged.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/addr.h"
#include "policies/status_priv.h"

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

static void put_addresses(struct status_json *j, const struct status_gateway *plane)
{
    struct addr ip;
    json_write_key(&j->w, "addresses");
    json_write_array(&j->w);
    for (size_t i = 0; i < plane->address_count; i++) {
        bool is_ip = addr_parse(plane->addresses[i], &ip) == ERR_OK;
        json_write_object(&j->w);
        json_write_field(&j->w, "type", is_ip ? SLICE("IPAddress") : SLICE("Hostname"));
        json_write_field(&j->w, "value", plane->addresses[i]);
        json_write_object_end(&j->w);
    }
    json_write_array_end(&j->w);
}

/* ---- listeners ---- */

static struct slice why_pending(const struct view *v)
{
    return v->plane.text.len ? v->plane.text
                             : SLICE("no data plane has this configuration in force yet");
}

static struct status_condition listener_programmed(const struct view *v,
                                                   const struct gateway_model_listener *l)
{
    if (!l->conflict.ok)
        return status_json_of("Programmed", &l->conflict);
    if (!l->is_served)
        return (struct status_condition){"Programmed", false, "Invalid",
                                         !l->accepted.ok   ? l->accepted.text
                                         : !l->resolved.ok ? l->resolved.text
                                                           : SLICE("the Gateway is not accepted")};
    if (!v->plane.is_running)
        return (struct status_condition){"Programmed", false, "Pending", why_pending(v)};
    return (struct status_condition){"Programmed", true, "Programmed",
                                     SLICE("the listener is in force")};
}

static void put_kinds(struct status_json *j, unsigned kinds)
{
    json_write_key(&j->w, "supportedKinds");
    json_write_array(&j->w);
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        if (!(kinds & 1u << id))
            continue;
        json_write_object(&j->w);
        json_write_field(&j->w, "group", slice_from_cstr(kind_all[id]->group));
        json_write_field(&j->w, "kind", slice_from_cstr(kind_all[id]->name));
        json_write_object_end(&j->w);
    }
    json_write_array_end(&j->w);
}

static void put_listener(struct status_json *j, const struct view *v,
                         const struct gateway_model_listener *l, const struct doc *old)
{
    const struct doc *before = status_json_find(old, "name", l->from->name);
    struct status_condition items[5];
    size_t count = 0;
    items[count++] = status_json_of("Accepted", &l->accepted);
    items[count++] = listener_programmed(v, l);
    items[count++] = status_json_of("ResolvedRefs", &l->resolved);
    items[count] = status_json_of("Conflicted", &l->conflict);
    items[count++].ok = !l->conflict.ok;
    if (l->overlaps)
        items[count++] = (struct status_condition){
            "OverlappingTLSConfig", true, "OverlappingHostnames",
            SLICE("another listener on this port has TLS for some of these hosts")};
    json_write_object(&j->w);
    json_write_field(&j->w, "name", l->from->name);
    put_kinds(j, l->kinds);
    json_write_field_u64(&j->w, "attachedRoutes", l->n_routes);
    status_json_conditions(j, doc_get(before, SLICE("conditions")), items, count);
    json_write_object_end(&j->w);
}

static void put_listeners(struct status_json *j, const struct view *v, size_t first, size_t count)
{
    const struct doc *old = doc_get(j->object->status, SLICE("listeners"));
    json_write_key(&j->w, "listeners");
    json_write_array(&j->w);
    for (size_t i = first; i < first + count; i++)
        put_listener(j, v, &v->model->listeners[i], old);
    json_write_array_end(&j->w);
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
        return (struct status_condition){"Programmed", false, "Pending", why_pending(v)};
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
    struct status_json j;
    struct status_condition items[4] = {
        status_json_of("Accepted", &m->accepted),
        gateway_programmed(v),
        status_json_of("ResolvedRefs", &m->resolved),
        {"InsecureFrontendValidationMode", true, "ConfigurationChanged",
         SLICE("clients without a good certificate are let in: AllowInsecureFallback")},
    };
    status_json_begin(&j, v->run, o);
    put_addresses(&j, &v->plane);
    json_write_field_u64(&j.w, "attachedListenerSets", count_sets(m));
    status_json_conditions(&j, doc_get(o->status, SLICE("conditions")), items,
                           m->has_fallback ? 4 : 3);
    put_listeners(&j, v, 0, m->n_own);
    status_json_end(&j, false);
}

/* ---- ListenerSet ---- */

static struct status_condition set_programmed(const struct view *v,
                                              const struct gateway_model_set *s)
{
    if (!s->accepted.ok)
        return status_json_of("Programmed", &s->accepted);
    if (!v->plane.is_running)
        return (struct status_condition){"Programmed", false, "Pending", why_pending(v)};
    return (struct status_condition){"Programmed", true, "Programmed",
                                     SLICE("the listeners are in force")};
}

static void emit_set(const struct view *v, const struct gateway_model_set *s)
{
    const struct object *o = &s->set->object;
    struct status_json j;
    struct status_condition items[] = {status_json_of("Accepted", &s->accepted),
                                       set_programmed(v, s)};
    status_json_begin(&j, v->run, o);
    status_json_conditions(&j, doc_get(o->status, SLICE("conditions")), items, 2);
    put_listeners(&j, v, s->first, s->count);
    status_json_end(&j, false);
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
