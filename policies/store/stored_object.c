/* Reading one object into a block that is just as large as it must be: parsed once to see how much
 * that is, and a second time into it. Control thread. Must not know of other objects.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/stored_object.h"

#include "lib/base/mem.h"
#include "policies/store/fingerprint.h"
#include "policies/store/stored_doc.h"

enum { REFUSAL_BLOCK = 1024 };

struct stored_object *stored_object_create(void)
{
    return mem_zalloc(sizeof(struct stored_object));
}

static void drop_refusal(struct stored_object *o)
{
    if (!o->refusal)
        return;
    diag_list_dispose(&o->refusal->why);
    arena_dispose(&o->refusal->arena);
    mem_free(o->refusal);
    o->refusal = NULL;
}

void stored_object_release(struct object *object)
{
    mem_free(object);
}

void stored_object_destroy(struct stored_object *o)
{
    drop_refusal(o);
    stored_object_release(o->in_force);
    mem_free(o->status_block);
    mem_free(o);
}

/* What status is written to, or asked for an address. */
static bool keeps_status(const struct kind *kind)
{
    return kind->status != KIND_STATUS_IGNORED;
}

/* ---- parsing ---- */

static struct slice name_of(struct arena *arena, const struct kind *kind, const struct doc *root)
{
    struct slice name = doc_string(doc_find(root, "metadata.name"));
    struct slice ns = doc_string(doc_find(root, "metadata.namespace"));
    if (kind->is_cluster_scoped)
        return arena_printf(arena, "%s %.*s", kind->name, SLICE_ARG(slice_sub(name, 0, 253)));
    return arena_printf(arena, "%s %.*s/%.*s", kind->name, SLICE_ARG(slice_sub(ns, 0, 63)),
                        SLICE_ARG(slice_sub(name, 0, 253)));
}

static void describe(struct object *o, const struct kind *kind, struct slice text)
{
    o->kind = kind;
    o->text = text;
    o->file = SLICE("");
    if (kind->is_cluster_scoped)
        o->meta.namespace_name = SLICE("");
    o->meta.resource_version = SLICE("");
}

/* The object is the first thing in the arena. */
static struct object *parse(struct arena *arena, const struct kind *kind, const struct doc *root,
                            struct diag_list *diags, unsigned *errors)
{
    struct object *o = arena_alloc(arena, kind->schema->size);
    struct schema_run run = {.arena = arena, .diags = diags, .object = name_of(arena, kind, root)};
    schema_parse(&run, kind->schema, root, o);
    describe(o, kind, run.object);
    *errors = run.errors;
    return o;
}

/* NULL when it is not valid; diags say why. */
static struct object *make(const struct kind *kind, const struct doc *root, struct arena *scratch,
                           struct diag_list *diags)
{
    struct diag_list again;
    struct arena own;
    unsigned errors;
    size_t size = scratch->total;
    parse(scratch, kind, root, diags, &errors);
    size = scratch->total - size;
    if (errors)
        return NULL;
    diag_list_init(&again);
    arena_init(&own, size);
    arena_lend(&own, mem_alloc(size), size);
    struct object *o = parse(&own, kind, root, &again, &errors);
    diag_list_dispose(&again);
    return o;
}

/* ---- refusal ---- */

static struct stored_refusal *refuse(struct stored_object *o)
{
    drop_refusal(o);
    o->refusal = mem_zalloc(sizeof *o->refusal);
    diag_list_init(&o->refusal->why);
    arena_init(&o->refusal->arena, REFUSAL_BLOCK);
    return o->refusal;
}

static void refuse_document(struct stored_object *o, const struct kind *kind,
                            const struct doc *root, struct diag_list *why)
{
    struct stored_refusal *r = refuse(o);
    struct diag_list ignored;
    struct schema_run run = {.arena = &r->arena, .diags = &ignored};
    diag_list_init(&ignored);
    schema_parse(&run, &kind_metadata_schema, doc_get(root, SLICE("metadata")), &r->object.meta);
    diag_list_dispose(&ignored);
    describe(&r->object, kind, name_of(&r->arena, kind, root));
    LIST_FOREACH(node, &why->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        diag_add(&r->why, d, "%.*s", SLICE_ARG(d->text));
    }
}

void stored_object_clash(struct stored_object *o, const struct diag *why)
{
    if (!o->refusal)
        refuse(o)->object = *o->in_force;
    o->clashes = true;
    diag_add(&o->refusal->why, why, "%.*s", SLICE_ARG(why->text));
}

void stored_object_reconcile(struct stored_object *o)
{
    if (o->clashes)
        drop_refusal(o);
    o->clashes = false;
}

/* What takes the place of a document that is not valid: what decides access fails closed. */
static struct object *make_instead(const struct stored_object *o, const struct kind *kind,
                                   const struct doc *root, struct arena *scratch)
{
    struct diag_list ignored;
    if (kind->closed && o->in_force)
        return o->in_force;
    const struct doc *closed = stored_doc_closed(scratch, kind, root);
    if (!closed)
        return NULL;
    diag_list_init(&ignored);
    struct object *made = make(kind, closed, scratch, &ignored);
    diag_list_dispose(&ignored);
    if (made)
        made->is_closed = true;
    return made;
}

/* ---- status ---- */

/* True when it is another than it was. */
static bool take_status(struct stored_object *o, const struct kind *kind, const struct doc *root)
{
    struct object *to[] = {o->in_force, o->refusal ? &o->refusal->object : NULL};
    struct slice version = doc_string(doc_find(root, "metadata.resourceVersion"));
    const struct doc *status = doc_get(root, SLICE("status"));
    struct arena measure, own;
    if (!keeps_status(kind))
        return false;
    arena_init(&measure, 4096);
    arena_copy(&measure, version);
    if (status)
        stored_doc_copy(&measure, status);
    size_t size = measure.total;
    arena_dispose(&measure);
    void *block = mem_alloc(size);
    arena_init(&own, size);
    arena_lend(&own, block, size);
    version = arena_copy(&own, version);
    status = status ? stored_doc_copy(&own, status) : NULL;
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        if (to[i]) {
            to[i]->meta.resource_version = version;
            to[i]->status = status;
        }
    mem_free(o->status_block);
    o->status_block = block;
    return true;
}

static bool has_version(const struct stored_object *o, const struct doc *root)
{
    struct slice version = doc_string(doc_find(root, "metadata.resourceVersion"));
    const struct object *newest = o->refusal ? &o->refusal->object : o->in_force;
    return newest && version.len && slice_eq(version, newest->meta.resource_version);
}

enum stored_change stored_object_read(struct stored_object *o, const struct kind *kind,
                                      const struct doc *root, struct arena *scratch,
                                      struct object **before)
{
    struct diag_list why;
    *before = NULL;
    if (has_version(o, root))
        return STORED_SAME;
    root = stored_doc_slim(scratch, root);
    uint64_t print = fingerprint_of(kind->schema, root);
    if (print == o->print && (o->in_force || o->refusal))
        return take_status(o, kind, root) ? STORED_STATUS : STORED_SAME;
    stored_object_reconcile(o);
    diag_list_init(&why);
    struct object *made = make(kind, root, scratch, &why);
    if (made)
        drop_refusal(o);
    else
        refuse_document(o, kind, root, &why);
    diag_list_dispose(&why);
    if (!made)
        made = make_instead(o, kind, root, scratch);
    if (made != o->in_force)
        *before = o->in_force;
    o->in_force = made;
    o->print = print;
    take_status(o, kind, root);
    return STORED_NEW;
}
