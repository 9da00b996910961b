/* The ancestors of an HTTPFilter's status: what it is for, and whether it is in force there
 * (GEP-713, "policy ancestor status"). Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/material.h"
#include "policies/store/filter_ref.h"
#include "policies/status/status_priv.h"

enum { ANCESTORS_MAX = 16 };

static bool is_ours(const struct doc *entry)
{
    struct slice controller = doc_string(doc_get(entry, SLICE("controllerName")));
    return slice_eq_cstr(controller, STATUS_CONTROLLER) ||
           slice_eq_cstr(controller, STATUS_MESH_CONTROLLER);
}

static bool is_text(const struct doc *ref, const char *key, struct slice wanted)
{
    return slice_eq(doc_string(doc_get(ref, slice_from_cstr(key))), wanted);
}

static const struct doc *find_entry(const struct doc *old, const struct policy_target *t)
{
    for (size_t i = 0; old && i < old->count; i++) {
        const struct doc *ref = doc_get(old->items[i], SLICE("ancestorRef"));
        if (is_ours(old->items[i]) && is_text(ref, "kind", t->kind) &&
            is_text(ref, "name", t->name) && is_text(ref, "sectionName", t->section))
            return old->items[i];
    }
    return NULL;
}

/* The older one of the same type that is for the same. */
static const struct http_filter *find_rival(const struct policy_set *set,
                                            const struct http_filter *o,
                                            const struct policy_target *t)
{
    const struct object_list *all = &set->all[KIND_HTTP_FILTER];
    const void *spec;
    const struct filter *f = http_filter_chosen(o, &spec);
    for (size_t i = 0; i < all->count; i++) {
        const struct http_filter *other = POLICY_AT(all, struct http_filter, i);
        if (other == o || http_filter_chosen(other, &spec) != f ||
            !slice_eq(other->object.meta.namespace_name, o->object.meta.namespace_name) ||
            policy_index_compare_age(&other->object, &o->object) > 0)
            continue;
        for (SCHEMA_EACH(other->spec.targets, struct policy_target, x))
            if (slice_eq(x->kind, t->kind) && slice_eq(x->name, t->name) &&
                slice_eq(x->section, t->section))
                return other;
    }
    return NULL;
}

static struct status_condition judge(struct status_run *run, const struct http_filter *o,
                                     const struct policy_target *t)
{
    struct status_condition c = {"Accepted", true, "Accepted", SLICE("the filter is in force")};
    struct slice why;
    if (!filter_ref_target_is_there(run->in->set, o, t, &run->scratch, &why))
        return (struct status_condition){"Accepted", false, "TargetNotFound", why};
    const struct http_filter *rival = find_rival(run->in->set, o, t);
    if (rival)
        return (struct status_condition){"Accepted", false, "Conflicted",
                                         arena_printf(&run->scratch,
                                                      "%.*s is for the same and comes first",
                                                      SLICE_ARG(rival->object.text))};
    return c;
}

/* Another controller's Gateway is none of our business. */
static bool is_foreign(const struct status_run *run, const struct http_filter *o,
                       const struct policy_target *t)
{
    const struct object *g =
        slice_eq_cstr(t->kind, "Gateway")
            ? policy_index_find(run->in->set, KIND_GATEWAY, o->object.meta.namespace_name, t->name)
            : NULL;
    return g && !gateway_model_is_ours(run->in->set, (const void *)g);
}

struct status_condition status_filter_resolved(struct status_run *run, const struct http_filter *o)
{
    const void *spec;
    const struct filter *f = http_filter_chosen(o, &spec);
    struct slice why;
    enum material_fault fault =
        material_check(run->in->set, &o->object, f->spec, spec, &run->scratch, &why);
    if (fault)
        return (struct status_condition){
            "ResolvedRefs", false, material_reason(fault),
            arena_printf(&run->scratch, "%s.%.*s", f->name, SLICE_ARG(why))};
    return (struct status_condition){"ResolvedRefs", true, "ResolvedRefs",
                                     SLICE("all references lead somewhere")};
}

static void put_ancestor(struct status_doc *d, struct doc *array, const struct http_filter *o,
                         const struct policy_target *t)
{
    const struct doc *old = find_entry(status_doc_old(d->object, "ancestors"), t);
    struct status_condition items[] = {judge(d->run, o, t), status_filter_resolved(d->run, o)};
    bool is_service = slice_eq_cstr(t->kind, "Service");
    struct doc *entry = status_doc_push(d, array);
    struct doc *ref = doc_make_put_object(d->arena, entry, "ancestorRef");
    bool is_consumer = slice_eq_cstr(t->kind, "Consumer");
    status_doc_text(d, ref, "group",
                    is_service    ? SLICE(KIND_GROUP_CORE)
                    : is_consumer ? SLICE(KIND_GROUP_WEFT)
                                  : SLICE(KIND_GROUP_GATEWAY));
    status_doc_text(d, ref, "kind", t->kind);
    status_doc_text(d, ref, "namespace", o->object.meta.namespace_name);
    status_doc_text(d, ref, "name", t->name);
    if (t->section.len)
        status_doc_text(d, ref, "sectionName", t->section);
    status_doc_text(d, entry, "controllerName",
                    is_service ? SLICE(STATUS_MESH_CONTROLLER) : SLICE(STATUS_CONTROLLER));
    status_doc_conditions(d, entry, doc_get(old, SLICE("conditions")), items, 2);
}

void status_filter_ancestors(struct status_doc *d, const struct http_filter *o)
{
    const struct doc *old = status_doc_old(d->object, "ancestors");
    struct doc *array = doc_make_array(d->arena);
    for (size_t i = 0; old && i < old->count && array->count < ANCESTORS_MAX; i++)
        if (!is_ours(old->items[i]))
            doc_make_push(d->arena, array, old->items[i]);
    for (SCHEMA_EACH(o->spec.targets, struct policy_target, t))
        if (array->count < ANCESTORS_MAX && !is_foreign(d->run, o, t))
            put_ancestor(d, array, o, t);
    if (array->count)
        doc_make_put(d->arena, d->root, SLICE("ancestors"), array);
}
