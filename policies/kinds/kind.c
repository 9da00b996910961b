/* The list of kinds, and the metadata that all of them share. Control thread. Must not know what
 * a kind's own fields mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/kind.h"

#include <stdio.h>

#include "lib/base/civil.h"
#include "lib/codec/doc/doc.h"
#include "lib/schema/schema_format.h"

#define KIND(symbol, stem, of, index, ...)                      \
    [KIND_##symbol] = &(const struct kind){.id = KIND_##symbol, \
                                           .schema = &stem##_kind_schema, \
                                           .invalidates = KIND_INVALIDATES_##of, \
                                           __VA_ARGS__},
const struct kind *const kind_all[KIND_COUNT] = {
#include "policies/kinds/kinds.def"
};
#undef KIND

static void check_metadata(struct schema_run *run, const struct doc *node, void *value)
{
    struct metadata *meta = value;
    int64_t ms = 0;
    if (meta->created_text.ptr && civil_read(meta->created_text, &ms))
        schema_error(run, node, "creationTimestamp",
                     "must be a time like \"2026-01-02T03:04:05Z\"");
    meta->created = ms / 1000;
}

static const struct schema_field annotation_element = {.type = SCHEMA_STRING, .max = 262144};
static const struct schema_field label_element = {.type = SCHEMA_STRING,
                                                  .format = &schema_format_label_value};

static const struct schema_field metadata_fields[] = {
    SCHEMA_FIELD(struct metadata, name, "name", STRING,
                 "Name of the object, unique for its kind and namespace.", .flags = SCHEMA_REQUIRED,
                 .max = 253, .format = &schema_format_name),
    SCHEMA_FIELD(struct metadata, namespace_name, "namespace", STRING, "Namespace of the object.",
                 .format = &schema_format_label_name, .text = "default"),
    SCHEMA_FIELD(struct metadata, labels, "labels", MAP, "What selectors choose by.",
                 .format = &schema_format_label_key, .element = &label_element),
    SCHEMA_FIELD(struct metadata, annotations, "annotations", MAP,
                 "Further words about the object.", .element = &annotation_element),
    SCHEMA_FIELD(struct metadata, created_text, "creationTimestamp", STRING,
                 "When it was created; the older of two that conflict wins."),
    SCHEMA_FIELD(struct metadata, uid, "uid", STRING, "Tells it from others of the same name."),
    SCHEMA_FIELD(struct metadata, resource_version, "resourceVersion", STRING,
                 "Changes whenever the object does."),
    SCHEMA_FIELD(struct metadata, deleted_text, "deletionTimestamp", STRING,
                 "Set once it is being deleted."),
    SCHEMA_FIELD(struct metadata, generation, "generation", INT,
                 "Counts up whenever what is wanted changes."),
    {0},
};

const struct schema kind_metadata_schema = {
    .name = "ObjectMeta",
    .doc = "What all objects have.",
    .size = sizeof(struct metadata),
    .fields = metadata_fields,
    .is_open = true,
    .check = check_metadata,
};

static void split_version(struct slice api_version, struct slice *group, struct slice *version)
{
    size_t slash = slice_find_byte(api_version, '/');
    bool has_group = slash < api_version.len;
    *group = has_group ? slice_sub(api_version, 0, slash) : SLICE("");
    *version = has_group ? slice_sub(api_version, slash + 1, api_version.len) : api_version;
}

const struct kind *kind_find(struct slice api_version, struct slice name)
{
    struct slice group, version;
    split_version(api_version, &group, &version);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *k = kind_all[i];
        if (!slice_eq_cstr(name, k->name) || !slice_eq_cstr(group, k->group))
            continue;
        for (size_t v = 0; k->versions[v]; v++)
            if (slice_eq_cstr(version, k->versions[v]))
                return k;
    }
    return NULL;
}

bool kind_is_own_group(struct slice api_version)
{
    struct slice group, version;
    split_version(api_version, &group, &version);
    return slice_eq_cstr(group, KIND_GROUP_WEFT);
}

bool kind_is_own(const struct kind *k)
{
    return strcmp(k->group, KIND_GROUP_WEFT) == 0;
}

const char *kind_api_version(const struct kind *k)
{
    static char texts[KIND_COUNT][64];
    char *text = texts[k->id];
    if (!*text)
        snprintf(text, sizeof texts[0], "%s%s%s", k->group, *k->group ? "/" : "", k->versions[0]);
    return text;
}

const char *kind_path(const struct kind *k)
{
    static char texts[KIND_COUNT][96];
    char *text = texts[k->id];
    if (!*text)
        snprintf(text, sizeof texts[0], "/%s/%s/%s", *k->group ? "apis" : "api",
                 kind_api_version(k), k->plural);
    return text;
}

/* ---- what is read of a cluster ---- */

static bool is_credential_label(struct slice key)
{
    return slice_eq_cstr(key, KIND_CREDENTIAL_LABEL) ||
           slice_eq_cstr(key, "konghq.com/credential");
}

bool kind_is_labelled(const struct schema_list *labels)
{
    for (SCHEMA_EACH(*labels, struct schema_pair, p))
        if (is_credential_label(p->key))
            return true;
    return false;
}

static bool has_label(const struct doc *root)
{
    const struct doc *labels = doc_find(root, "metadata.labels");
    for (size_t i = 0; labels && labels->type == DOC_OBJECT && i < labels->count; i++)
        if (is_credential_label(labels->members[i].key))
            return true;
    return false;
}

bool kind_is_wanted(const struct kind *k, const struct doc *root)
{
    const struct doc *data = doc_get(root, SLICE("data"));
    if (!k->needs_label || has_label(root))
        return true;
    return (k->data_key && doc_get(data, slice_from_cstr(k->data_key))) ||
           (k->plain_type &&
            slice_eq_cstr(doc_string(doc_get(root, SLICE("type"))), k->plain_type));
}
