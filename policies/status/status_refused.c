/* The status of objects that were refused: everything that is wrong with them, where it can be
 * said. A route's parents are known only from what was said before. Control thread. Must not know
 * why an object was refused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/status/status_priv.h"

enum { REASONS_MAX = 8 };

static struct slice join(struct arena *arena, const struct diag_list *why)
{
    struct slice text = SLICE("");
    size_t count = 0;
    LIST_FOREACH(node, (struct list *)&why->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        if (d->is_warning || count++ == REASONS_MAX)
            continue;
        text = arena_printf(arena, "%.*s%s%.*s%s%.*s", SLICE_ARG(text), text.len ? "; " : "",
                            SLICE_ARG(d->path), d->path.len ? ": " : "", SLICE_ARG(d->text));
    }
    return text;
}

static void emit_policy(struct status_run *run, const struct object *o, struct slice why)
{
    struct status_condition refused = {"Accepted", false, "Invalid", why};
    struct status_doc d;
    status_doc_begin(&d, run, o);
    status_doc_conditions(&d, d.root, status_doc_old(o, "conditions"), &refused, 1);
    status_doc_end(&d, false);
}

/* One entry of parents: ours says that the route is refused, another's stays. */
static bool put_entry(struct status_doc *d, struct doc *parents, const struct doc *old,
                      struct slice why)
{
    struct slice controller = doc_string(doc_get(old, SLICE("controllerName")));
    struct status_condition refused = {"Accepted", false, "UnsupportedValue", why};
    if (!slice_eq_cstr(controller, STATUS_CONTROLLER) &&
        !slice_eq_cstr(controller, STATUS_MESH_CONTROLLER)) {
        doc_make_push(d->arena, parents, old);
        return false;
    }
    struct doc *entry = status_doc_push(d, parents);
    doc_make_put(d->arena, entry, SLICE("parentRef"), doc_get(old, SLICE("parentRef")));
    status_doc_text(d, entry, "controllerName", controller);
    status_doc_conditions(d, entry, doc_get(old, SLICE("conditions")), &refused, 1);
    return true;
}

static void emit_route(struct status_run *run, const struct object *o, struct slice why)
{
    const struct doc *old = status_doc_old(o, "parents");
    struct status_doc d;
    bool any = false;
    status_doc_begin(&d, run, o);
    struct doc *parents = doc_make_put_array(d.arena, d.root, "parents");
    for (size_t i = 0; old && i < old->count; i++)
        if (doc_get(old->items[i], SLICE("parentRef")))
            any |= put_entry(&d, parents, old->items[i], why);
    status_doc_end(&d, !any);
}

static void visit(void *owner, const struct object *o, const struct diag_list *why)
{
    struct status_run *run = owner;
    struct slice text = join(&run->arena, why);
    switch (o->kind->id) {
    case KIND_HTTP_ROUTE:
    case KIND_GRPC_ROUTE:
    case KIND_TLS_ROUTE:
    case KIND_TCP_ROUTE:
    case KIND_UDP_ROUTE:
        emit_route(run, o, text);
        break;
    default:
        if (strcmp(o->kind->group, KIND_GROUP_WEFT) == 0)
            emit_policy(run, o, text);
    }
}

void status_refused_all(struct status_run *run)
{
    if (run->in->store)
        policy_store_each_refused(run->in->store, visit, run);
}
