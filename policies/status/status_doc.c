/* A status in the making: conditions with their times, what others wrote, and whether anything is
 * new. Control thread. Must not know what any condition means.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/utf8.h"
#include "lib/codec/doc/doc_write.h"
#include "policies/status/status_priv.h"

enum { CONDITIONS_MAX = 8, TEXT_MAX = 1024 };

/* Whatever type is not among these is somebody else's business. */
static const char *const own_types[] = {
    "Accepted",   "Programmed",           "ResolvedRefs",
    "Conflicted", "OverlappingTLSConfig", "InsecureFrontendValidationMode",
};

static bool is_own(struct slice type)
{
    for (size_t i = 0; i < sizeof own_types / sizeof *own_types; i++)
        if (slice_eq_cstr(type, own_types[i]))
            return true;
    return false;
}

void status_doc_begin(struct status_doc *d, struct status_run *run, const struct object *o)
{
    *d = (struct status_doc){.run = run, .arena = &run->scratch, .object = o};
    d->root = doc_make_object(d->arena);
}

void status_doc_text(struct status_doc *d, struct doc *to, const char *key, struct slice text)
{
    struct doc *value = doc_alloc(d->arena, DOC_STRING, 0);
    value->string = text;
    doc_make_put(d->arena, to, slice_from_cstr(key), value);
}

struct doc *status_doc_push(struct status_doc *d, struct doc *array)
{
    struct doc *item = doc_make_object(d->arena);
    doc_make_push(d->arena, array, item);
    return item;
}

const struct doc *status_doc_old(const struct object *o, const char *key)
{
    const struct doc *array = doc_get(o->status, slice_from_cstr(key));
    return array && array->type == DOC_ARRAY ? array : NULL;
}

const struct doc *status_doc_find(const struct doc *array, const char *key, struct slice value)
{
    for (size_t i = 0; array && array->type == DOC_ARRAY && i < array->count; i++)
        if (slice_eq(doc_string(doc_get(array->items[i], slice_from_cstr(key))), value))
            return array->items[i];
    return NULL;
}

struct status_condition status_doc_of(const char *type, const struct gateway_finding *finding)
{
    return (struct status_condition){type, finding->ok, finding->reason, finding->text};
}

/* ---- conditions ---- */

/* What was cut or was never text must not come back from the API server as something else, and be
 * written again and again. */
static struct slice clean(struct arena *arena, struct slice text)
{
    char *to = arena_alloc(arena, text.len < TEXT_MAX ? text.len : TEXT_MAX);
    size_t used = 0;
    while (text.len) {
        size_t len = utf8_front(text), taken = len ? len : 1;
        if (used + taken > TEXT_MAX)
            break;
        memcpy(to + used, len ? text.ptr : "?", taken);
        used += taken;
        text = slice_sub(text, taken, text.len);
    }
    return slice_of(to, used);
}

static void put_condition(struct status_doc *d, struct doc *to, const struct doc *old,
                          const struct status_condition *c)
{
    struct slice value = c->ok ? SLICE("True") : SLICE("False");
    const struct doc *before = status_doc_find(old, "type", slice_from_cstr(c->type));
    struct slice since = doc_string(doc_get(before, SLICE("lastTransitionTime")));
    bool same = slice_eq(doc_string(doc_get(before, SLICE("status"))), value) && since.len;
    status_doc_text(d, to, "type", slice_from_cstr(c->type));
    status_doc_text(d, to, "status", value);
    status_doc_text(d, to, "reason", slice_from_cstr(c->reason));
    status_doc_text(d, to, "message", clean(d->arena, c->text));
    doc_make_put_int(d->arena, to, "observedGeneration", d->object->meta.generation);
    status_doc_text(d, to, "lastTransitionTime", same ? since : slice_from_cstr(d->run->now));
}

void status_doc_conditions(struct status_doc *d, struct doc *to, const struct doc *old,
                           const struct status_condition *items, size_t count)
{
    struct doc *array = doc_make_put_array(d->arena, to, "conditions");
    for (size_t i = 0; i < count; i++)
        put_condition(d, status_doc_push(d, array), old, &items[i]);
    for (size_t i = 0; old && old->type == DOC_ARRAY && i < old->count; i++)
        if (!is_own(doc_string(doc_get(old->items[i], SLICE("type")))) &&
            array->count < CONDITIONS_MAX)
            doc_make_push(d->arena, array, old->items[i]);
}

/* ---- is it new? ---- */

static bool is_same(const struct doc *a, const struct doc *b);

static bool is_same_object(const struct doc *a, const struct doc *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct doc *other = doc_get(b, a->members[i].key);
        if (!other || !is_same(a->members[i].value, other))
            return false;
    }
    return true;
}

/* Lists in a status are sets: somebody else's order is as good as ours. */
static bool is_same_array(const struct doc *a, const struct doc *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        bool found = is_same(a->items[i], b->items[i]);
        for (size_t j = 0; !found && j < b->count; j++)
            found = is_same(a->items[i], b->items[j]);
        if (!found)
            return false;
    }
    return true;
}

static bool is_same(const struct doc *a, const struct doc *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case DOC_NULL:
        return true;
    case DOC_BOOL:
        return a->boolean == b->boolean;
    case DOC_INT:
        return a->integer == b->integer;
    case DOC_FLOAT:
        return a->number == b->number;
    case DOC_STRING:
        return slice_eq(a->string, b->string);
    case DOC_ARRAY:
        return is_same_array(a, b);
    case DOC_OBJECT:
        return is_same_object(a, b);
    }
    return false;
}

static void emit(struct status_doc *d)
{
    struct json_write w;
    struct buf buf;
    buf_init(&buf);
    json_write_init(&w, &buf);
    doc_write_json(&w, d->root);
    d->run->emit(d->run->owner, d->object, buf_take_into(&buf, d->arena));
}

void status_doc_end(struct status_doc *d, bool is_empty)
{
    const struct doc *old = d->object->status;
    /* What was made of something else is nowhere to be written to. */
    bool is_real = !d->object->origin;
    if (is_real && (old ? !is_same(d->root, old) : !is_empty))
        emit(d);
    arena_reset(d->arena);
}
