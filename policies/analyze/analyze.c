/* Runs every check of the table over a set, then looks at what the API server was told. Control
 * thread. Must not know what a check looks for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/analyze/analyze.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/codec/doc/doc.h"
#include "lib/schema/diag.h"
#include "policies/analyze/analyze_priv.h"
#include "policies/kinds/namespace.h"
#include "policies/status/status.h"

enum { ARENA_BLOCK = 32768 };

static void (*const checks[])(struct analyze *) = {
#define FINDING(name, code, severity, check, title, advice) check,
#include "policies/kinds/findings.def"
#undef FINDING
};

void analyze_say(struct analyze *a, enum finding finding, const struct object *o, unsigned line,
                 const char *path, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    policy_set_complain(a->out, o, line, true, path, finding, "%s", text);
}

bool analyze_is_system(const struct object *o)
{
    struct slice ns = o->meta.namespace_name.len ? o->meta.namespace_name : o->meta.name;
    return slice_starts_with(ns, SLICE("kube-")) || slice_eq_cstr(ns, NAMESPACE_ROOT) ||
           (slice_eq_cstr(ns, "default") && slice_eq_cstr(o->meta.name, "kubernetes"));
}

static void build_models(struct analyze *a)
{
    const struct object_list *all = &a->set->all[KIND_GATEWAY];
    a->models = arena_alloc(&a->arena, (all->count + 1) * sizeof *a->models);
    for (size_t i = 0; i < all->count; i++) {
        const struct gateway *gateway = POLICY_AT(all, struct gateway, i);
        if (!gateway_model_is_for_us(a->set, gateway))
            continue;
        struct gateway_model *m = arena_alloc(&a->arena, sizeof *m);
        gateway_model_build(m, &a->arena, a->set, gateway);
        a->models[a->n_models++] = m;
    }
}

/* ---- what was refused, and what status says ---- */

static void tell_refused(void *owner, const struct object *o, const struct diag_list *why)
{
    struct analyze *a = owner;
    LIST_FOREACH(node, (struct list *)&why->items)
    {
        struct diag what = *container_of(node, struct diag, node);
        what.object = o->text;
        if (!what.is_warning)
            diag_add(a->out, &what, "%.*s", SLICE_ARG(what.text));
    }
}

static bool is_told(struct analyze *a, const struct object *o)
{
    LIST_FOREACH(node, &a->out->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        if (slice_eq(d->object, o->text) && finding_severity(finding_of(d)) > FINDING_INFO)
            return true;
    }
    return false;
}

static bool is_bad(struct slice type, struct slice status)
{
    bool bad_when_true =
        slice_eq_cstr(type, "Conflicted") || slice_eq_cstr(type, "OverlappingTLSConfig");
    return slice_eq_cstr(status, bad_when_true ? "True" : "False");
}

/* The first that is bad, as "Programmed=False (Pending): text". where: a listener or parent. */
static bool tell_conditions(struct analyze *a, const struct object *o, const struct doc *conditions,
                            struct slice where)
{
    for (size_t i = 0; conditions && conditions->type == DOC_ARRAY && i < conditions->count; i++) {
        const struct doc *c = conditions->items[i];
        struct slice type = doc_string(doc_get(c, SLICE("type")));
        struct slice status = doc_string(doc_get(c, SLICE("status")));
        if (!is_bad(type, status))
            continue;
        analyze_say(a, FINDING_CONDITION_FALSE, o, 0, "status", "%.*s%s%.*s=%.*s (%.*s): %.*s",
                    SLICE_ARG(where), where.len ? ": " : "", SLICE_ARG(type), SLICE_ARG(status),
                    SLICE_ARG(doc_string(doc_get(c, SLICE("reason")))),
                    SLICE_ARG(doc_string(doc_get(c, SLICE("message")))));
        return true;
    }
    return false;
}

/* Entries of one Gateway's listeners, or of a route's parents; other controllers' are theirs. */
static void tell_entries(struct analyze *a, const struct object *o, const char *key,
                         const char *name, bool named_controller)
{
    const struct doc *entries = doc_get(o->status, slice_from_cstr(key));
    for (size_t i = 0; entries && entries->type == DOC_ARRAY && i < entries->count; i++) {
        const struct doc *e = entries->items[i];
        struct slice controller = doc_string(doc_get(e, SLICE("controllerName")));
        bool ours = !named_controller || slice_eq_cstr(controller, STATUS_CONTROLLER) ||
                    slice_eq_cstr(controller, STATUS_MESH_CONTROLLER);
        if (ours && tell_conditions(a, o, doc_get(e, SLICE("conditions")),
                                    doc_string(doc_find(e, name))))
            return;
    }
}

static bool is_ours(struct analyze *a, const struct object *o)
{
    if (o->kind->id == KIND_GATEWAY)
        return gateway_model_is_ours(a->set, (const struct gateway *)(const void *)o);
    return strcmp(o->kind->group, KIND_GROUP_WEFT) == 0;
}

static void tell_object(struct analyze *a, const struct object *o)
{
    if (!o->status || o->origin || is_told(a, o))
        return;
    if (is_ours(a, o) &&
        tell_conditions(a, o, doc_get(o->status, SLICE("conditions")), SLICE("")))
        return;
    if (is_ours(a, o))
        tell_entries(a, o, "listeners", "name", false);
    tell_entries(a, o, "parents", "parentRef.name", true);
    tell_entries(a, o, "ancestors", "ancestorRef.name", true);
}

void analyze_conditions(struct analyze *a)
{
    for (size_t kind = KIND_GATEWAY; kind < KIND_COUNT; kind++)
        for (size_t i = 0; i < a->set->all[kind].count; i++)
            tell_object(a, a->set->all[kind].items[i]);
}

void analyze_set(const struct analyze_inputs *in, struct diag_list *out)
{
    struct analyze a = {.in = in, .set = in->set, .out = out};
    arena_init(&a.arena, ARENA_BLOCK);
    if (in->store)
        policy_store_each_refused(in->store, tell_refused, &a);
    build_models(&a);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (checks[i])
            checks[i](&a);
    arena_dispose(&a.arena);
    finding_rate(out);
}
