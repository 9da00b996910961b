/* Which schemas there are and where they stand: resources by URI, anchors, and JSON pointers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/jsonschema/json_schema_priv.h"
#include "lib/jsonschema/uri_reference.h"

/* ---- places ---- */

static size_t slot_of(const struct json_schema_set *set, const struct json_value *at)
{
    size_t slot = ((uintptr_t)at >> 3) * 0x9e3779b1u & set->place_mask;
    while (set->places[slot] && set->places[slot]->at != at)
        slot = (slot + 1) & set->place_mask;
    return slot;
}

struct schema_place *schema_place_find(const struct json_schema_set *set,
                                       const struct json_value *at)
{
    return set->places ? set->places[slot_of(set, at)] : NULL;
}

static void grow(struct json_schema_set *set)
{
    struct schema_place **old = set->places;
    size_t size = old ? set->place_mask + 1 : 0;
    set->place_mask = size ? 2 * size - 1 : 63;
    set->places = arena_zalloc(set->arena, (set->place_mask + 1) * sizeof(*set->places));
    for (size_t i = 0; i < size; i++)
        if (old[i])
            set->places[slot_of(set, old[i]->at)] = old[i];
}

static void place_add(struct json_schema_set *set, const struct json_value *at,
                      struct schema_resource *resource, struct slice path)
{
    struct schema_place *p = arena_zalloc(set->arena, sizeof(*p));
    *p = (struct schema_place){.at = at, .resource = resource, .path = path};
    if (!set->places || 2 * (set->place_count + 1) > set->place_mask)
        grow(set);
    set->places[slot_of(set, at)] = p;
    set->place_count++;
}

/* ---- resources ---- */

static struct schema_resource *resource_find(const struct json_schema_set *set, struct slice uri)
{
    for (struct schema_resource *r = set->resources; r; r = r->next)
        if (slice_eq(r->uri, uri))
            return r->same ? r->same : r;
    return NULL;
}

static struct schema_resource *resource_add(struct json_schema_set *set, struct slice uri,
                                            const struct json_value *root, struct slice path)
{
    struct schema_resource *r = arena_zalloc(set->arena, sizeof(*r));
    *r = (struct schema_resource){.uri = uri, .root = root, .path = path, .next = set->resources};
    set->resources = r;
    return r;
}

/* Of the meta-schema that the root names, if that is known. */
static bool lacks_validation(struct json_schema_set *set, const struct json_value *root)
{
    struct slice name = json_value_string(json_value_member(root, "$schema"));
    struct slice wanted = SLICE("https://json-schema.org/draft/2020-12/vocab/validation");
    struct schema_resource *meta =
        name.ptr ? resource_find(set, uri_reference_resolve(set->arena, SLICE(""), name)) : NULL;
    const struct json_value *has = meta ? json_value_member(meta->root, "$vocabulary") : NULL;
    return has && !json_value_get(has, wanted);
}

static void add_anchor(struct json_schema_set *set, struct schema_resource *r,
                       const struct json_value *at, const char *keyword, bool is_dynamic)
{
    struct slice name = json_value_string(json_value_member(at, keyword));
    if (!name.ptr)
        return;
    struct schema_anchor *a = arena_zalloc(set->arena, sizeof(*a));
    *a = (struct schema_anchor){
        .name = name, .at = at, .is_dynamic = is_dynamic, .next = r->anchors};
    r->anchors = a;
}

/* The one that `at` begins, by its $id, or the one that it is in. */
static enum err enter(struct json_schema_set *set, const struct json_value *at,
                      struct schema_resource **resource, struct slice path)
{
    struct slice id = json_value_string(json_value_member(at, "$id"));
    struct schema_resource *outer = *resource;
    if (id.ptr && slice_find_byte(id, '#') + 1 < id.len)
        return schema_refuse(set, at, "$id must have no fragment");
    if (id.ptr && id.len && id.ptr[0] != '#') {
        struct slice uri = uri_reference_resolve(set->arena, outer->uri, id);
        if (!slice_eq(uri, outer->uri)) {
            struct schema_resource *known = resource_find(set, uri);
            if (known && known->root != at)
                return schema_refuse(set, at, "$id \"%.*s\" is there twice", SLICE_ARG(uri));
            *resource = resource_add(set, uri, at, path);
            if (outer->root == at)
                outer->same = *resource;
        }
    }
    if ((*resource)->root == at)
        (*resource)->ignores_validation = lacks_validation(set, at);
    add_anchor(set, *resource, at, "$anchor", false);
    add_anchor(set, *resource, at, "$dynamicAnchor", true);
    return ERR_OK;
}

static struct slice escaped(struct arena *a, struct slice path, struct slice key)
{
    struct json_value parent = {.type = JSON_VALUE_OBJECT}, child = {.parent = &parent};
    child.key = key;
    struct slice step = json_value_pointer(&child, a);
    return arena_printf(a, "%.*s%.*s", SLICE_ARG(path), SLICE_ARG(step));
}

static enum err index_children(struct json_schema_set *set, const struct json_value *m,
                               const struct keyword *k, struct schema_resource *resource,
                               struct slice path)
{
    size_t i = 0;
    if (k->shape == SHAPE_SCHEMA)
        return schema_place_index(set, m, resource, path);
    if (m->type != (k->shape == SHAPE_LIST ? JSON_VALUE_ARRAY : JSON_VALUE_OBJECT))
        return schema_refuse(set, m, "%s must be %s of schemas", k->name,
                             k->shape == SHAPE_LIST ? "an array" : "an object");
    for (JSON_VALUE_EACH(m, child)) {
        struct slice below = k->shape == SHAPE_MAP
                                 ? escaped(set->arena, path, child->key)
                                 : arena_printf(set->arena, "%.*s/%zu", SLICE_ARG(path), i++);
        enum err err = schema_place_index(set, child, resource, below);
        if (err)
            return err;
    }
    return ERR_OK;
}

enum err schema_place_index(struct json_schema_set *set, const struct json_value *at,
                            struct schema_resource *resource, struct slice path)
{
    if (schema_place_find(set, at))
        return ERR_OK;
    enum err err = ERR_OK;
    if (at->type == JSON_VALUE_OBJECT && set->dialect == JSON_SCHEMA_2020_12)
        err = enter(set, at, &resource, path);
    place_add(set, at, resource, path);
    if (at->type != JSON_VALUE_OBJECT)
        return err;
    bool is_ref = set->dialect == JSON_SCHEMA_OPENAPI_3_0 && json_value_member(at, "$ref");
    for (const struct json_value *m = at->first; m && !err && !is_ref; m = m->next) {
        const struct keyword *k = keyword_find(m->key, set->dialect);
        if (k && k->shape != SHAPE_NONE)
            err = index_children(set, m, k, resource, escaped(set->arena, path, m->key));
    }
    return err;
}

enum err json_schema_set_add(struct json_schema_set *set, struct slice uri,
                             const struct json_value *root, bool is_schema, struct doc_error *error)
{
    set->error = error;
    *error = (struct doc_error){0};
    struct schema_resource *r =
        resource_add(set, uri_reference_resolve(set->arena, SLICE(""), uri), root, SLICE(""));
    if (is_schema)
        return schema_place_index(set, root, r, SLICE(""));
    place_add(set, root, r, SLICE(""));
    return ERR_OK;
}

/* ---- references ---- */

static struct slice unescape(struct arena *a, struct slice step)
{
    if (slice_find_byte(step, '~') == step.len)
        return step;
    char *to = arena_alloc(a, step.len);
    size_t len = 0;
    for (size_t i = 0; i < step.len; i++) {
        bool is_escape = step.ptr[i] == '~' && i + 1 < step.len;
        char c = is_escape && step.ptr[i + 1] == '1' ? '/' : step.ptr[i];
        i += is_escape && (step.ptr[i + 1] == '0' || step.ptr[i + 1] == '1');
        to[len++] = c;
    }
    return slice_of(to, len);
}

static const struct json_value *step_into(struct arena *a, const struct json_value *at,
                                          struct slice step)
{
    uint64_t index;
    if (at->type == JSON_VALUE_OBJECT)
        return json_value_get(at, unescape(a, step));
    if (at->type != JSON_VALUE_ARRAY || slice_to_u64(step, &index) || index >= at->count)
        return NULL;
    const struct json_value *item = at->first;
    while (index--)
        item = item->next;
    return item;
}

/* Behind a pointer any object may be a schema, also where no keyword says so. */
static struct schema_place *follow_pointer(struct json_schema_set *set,
                                           struct schema_resource *resource, struct slice pointer)
{
    const struct json_value *at = resource->root;
    struct slice path = resource->path, step;
    struct slice rest = slice_sub(pointer, 1, pointer.len);
    while (at && pointer.len && slice_split(&rest, '/', &step)) {
        at = step_into(set->arena, at, step);
        path = arena_printf(set->arena, "%.*s/%.*s", SLICE_ARG(path), SLICE_ARG(step));
        struct schema_place *known = at ? schema_place_find(set, at) : NULL;
        if (known)
            resource = known->resource;
    }
    if (!at || schema_place_index(set, at, resource, path))
        return NULL;
    return schema_place_find(set, at);
}

static struct schema_place *follow_anchor(struct json_schema_set *set,
                                          struct schema_resource *resource, struct slice name,
                                          struct schema_anchor **anchor)
{
    for (struct schema_anchor *a = resource->anchors; a; a = a->next)
        if (slice_eq(a->name, name)) {
            *anchor = a->is_dynamic || !*anchor ? a : *anchor;
        }
    return *anchor ? schema_place_find(set, (*anchor)->at) : NULL;
}

enum err schema_reference_find(struct json_schema_set *set, const struct json_schema *from,
                               struct slice reference, const struct json_value *origin,
                               struct schema_place **out, struct schema_anchor **anchor)
{
    struct slice uri = uri_reference_resolve(set->arena, from->resource->uri, reference);
    struct slice fragment = uri_reference_fragment(set->arena, reference);
    struct schema_resource *resource =
        slice_eq(uri, from->resource->uri) ? from->resource : resource_find(set, uri);
    *anchor = NULL;
    if (!resource)
        return schema_refuse(set, origin,
                             "leads to another document, \"%.*s\", and documents are not fetched: "
                             "put it into this one",
                             SLICE_ARG(uri));
    bool is_pointer = !fragment.len || fragment.ptr[0] == '/';
    *out = is_pointer ? follow_pointer(set, resource, fragment)
                      : follow_anchor(set, resource, fragment, anchor);
    if (*out)
        return ERR_OK;
    return set->error->text[0] ? ERR_INVALID
                               : schema_refuse(set, origin, "leads nowhere: there is no \"%.*s\"",
                                               SLICE_ARG(reference));
}
