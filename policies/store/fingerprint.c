/* The walk over a document along its schema table that hashes what the table reads. Maps count in
 * their order: Kubernetes writes them sorted. Pure; any thread. Must not know any particular kind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/fingerprint.h"

#include "policies/kinds/kind.h"

static uint64_t mix(uint64_t hash, uint64_t with)
{
    hash = (hash ^ with) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 32);
}

static uint64_t mix_scalar(uint64_t hash, const struct doc *d)
{
    hash = mix(hash, (uint64_t)d->type + 1);
    switch (d->type) {
    case DOC_STRING:
        return mix(mix(hash, slice_hash(d->string)), d->string.len);
    case DOC_BOOL:
        return mix(hash, d->boolean);
    case DOC_INT:
        return mix(hash, (uint64_t)d->integer);
    case DOC_FLOAT:
        return mix(hash, slice_hash(slice_of(&d->number, sizeof d->number)));
    case DOC_ARRAY:
        return mix(hash, d->count);
    default:
        return hash;
    }
}

static uint64_t mix_object(uint64_t hash, const struct schema *schema, const struct doc *d);

static uint64_t mix_field(uint64_t hash, const struct schema_field *field, const struct doc *d)
{
    hash = mix_scalar(hash, d);
    if ((field->type == SCHEMA_OBJECT || field->type == SCHEMA_INLINE) && d->type == DOC_OBJECT)
        return mix_object(hash, field->object, d);
    if (field->type == SCHEMA_LIST && d->type == DOC_ARRAY)
        for (size_t i = 0; i < d->count; i++)
            hash = mix_field(hash, field->element, d->items[i]);
    if (field->type == SCHEMA_MAP && d->type == DOC_OBJECT) {
        hash = mix(hash, d->count);
        for (size_t i = 0; i < d->count; i++) {
            hash = mix(hash, slice_hash(d->members[i].key));
            hash = mix_field(hash, field->element, d->members[i].value);
        }
    }
    return hash;
}

static bool is_read(const struct schema *schema, const struct schema_field *field)
{
    bool is_version =
        schema == &kind_metadata_schema && strcmp(field->name, "resourceVersion") == 0;
    return field->type != SCHEMA_ANY && !is_version;
}

static bool is_known(const struct schema *schema, struct slice key)
{
    for (const struct schema_field *f = schema->fields; f->name; f++)
        if (schema_is_named(f, key))
            return true;
    return false;
}

/* Where an unknown field is an error, it counts that there is one. */
static uint64_t mix_unknown(uint64_t hash, const struct schema *schema, const struct doc *d)
{
    for (size_t i = 0; !schema->is_open && i < d->count; i++)
        if (!is_known(schema, d->members[i].key))
            hash = mix(hash, slice_hash(d->members[i].key));
    return hash;
}

static uint64_t mix_object(uint64_t hash, const struct schema *schema, const struct doc *d)
{
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        struct slice key;
        const struct doc *value = is_read(schema, f) ? schema_member(f, d, &key) : NULL;
        hash = mix(hash, value != NULL);
        if (value)
            hash = mix_field(hash, f, value);
    }
    return mix_unknown(hash, schema, d);
}

uint64_t fingerprint_of(const struct schema *schema, const struct doc *root)
{
    return mix_object(mix_scalar(0, root), schema, root);
}
