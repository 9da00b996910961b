/* A status as JSON: conditions with their times, what others wrote, and whether anything is new.
 * Control thread. Must not know what any condition means.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc_json.h"
#include "lib/codec/doc_write.h"
#include "policies/status_priv.h"

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

void status_json_begin(struct status_json *j, struct status_run *run, const struct object *o)
{
    j->run = run;
    j->object = o;
    buf_init(&j->buf);
    json_write_init(&j->w, &j->buf);
    json_write_object(&j->w);
}

const struct doc *status_json_find(const struct doc *array, const char *key, struct slice value)
{
    if (!array || array->type != DOC_ARRAY)
        return NULL;
    for (size_t i = 0; i < array->count; i++)
        if (slice_eq(doc_string(doc_get(array->items[i], slice_from_cstr(key))), value))
            return array->items[i];
    return NULL;
}

struct status_condition status_json_of(const char *type, const struct gateway_finding *finding)
{
    return (struct status_condition){type, finding->ok, finding->reason, finding->text};
}

/* ---- conditions ---- */

static void put_condition(struct status_json *j, const struct doc *old,
                          const struct status_condition *c)
{
    struct slice value = c->ok ? SLICE("True") : SLICE("False");
    const struct doc *before = status_json_find(old, "type", slice_from_cstr(c->type));
    struct slice since = doc_string(doc_get(before, SLICE("lastTransitionTime")));
    bool same = slice_eq(doc_string(doc_get(before, SLICE("status"))), value) && since.len;
    json_write_object(&j->w);
    json_write_field(&j->w, "type", slice_from_cstr(c->type));
    json_write_field(&j->w, "status", value);
    json_write_field(&j->w, "reason", slice_from_cstr(c->reason));
    json_write_field(&j->w, "message", slice_sub(c->text, 0, TEXT_MAX));
    json_write_key(&j->w, "observedGeneration");
    json_write_i64(&j->w, j->object->meta.generation);
    json_write_field(&j->w, "lastTransitionTime", same ? since : slice_from_cstr(j->run->now));
    json_write_object_end(&j->w);
}

void status_json_conditions(struct status_json *j, const struct doc *old,
                            const struct status_condition *items, size_t count)
{
    size_t total = count;
    json_write_key(&j->w, "conditions");
    json_write_array(&j->w);
    for (size_t i = 0; i < count; i++)
        put_condition(j, old, &items[i]);
    for (size_t i = 0; old && old->type == DOC_ARRAY && i < old->count; i++)
        if (!is_own(doc_string(doc_get(old->items[i], SLICE("type")))) && total++ < CONDITIONS_MAX)
            doc_write_json(&j->w, old->items[i]);
    json_write_array_end(&j->w);
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

void status_json_end(struct status_json *j, bool is_empty)
{
    struct status_run *run = j->run;
    struct doc_error error;
    const struct doc *fresh, *old = j->object->status;
    json_write_object_end(&j->w);
    size_t len = j->buf.len;
    char *text = arena_alloc(&run->scratch, len);
    buf_copy_out(&j->buf, text, len);
    bool same =
        old ? doc_json_parse(slice_of(text, len), &run->scratch, &fresh, &error) == ERR_OK &&
                  is_same(fresh, old)
            : is_empty;
    if (!same)
        run->emit(run->owner, j->object, slice_of(text, len));
    buf_dispose(&j->buf);
    arena_reset(&run->scratch);
}
