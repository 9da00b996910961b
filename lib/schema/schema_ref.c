/* The tables of references, and the walk that finds them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_ref.h"

#include <stdio.h>

#include "lib/schema/schema_format.h"

/* ---- tables ---- */

#define PLACE(what_)                                                                      \
    SCHEMA_FIELD(struct schema_ref, name, "name", STRING, "Name of the " what_ ".",       \
                 .flags = SCHEMA_REQUIRED, .format = &schema_format_name),                \
        SCHEMA_FIELD(struct schema_ref, namespace_name, "namespace", STRING,              \
                     "Its namespace, which needs a ReferenceGrant; the object's own when " \
                     "left out.",                                                         \
                     .format = &schema_format_label_name)
#define KEY(what_)                                                                   \
    SCHEMA_FIELD(struct schema_ref, key, "key", STRING, "Key of the value in the " what_ ".", \
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 253)
#define VALUE                                                                            \
    SCHEMA_FIELD(struct schema_ref, value, "value", STRING, "What is there.",            \
                 .flags = SCHEMA_WIRE, .max = 2 << 20)
#define LINE .has_line = true, .line_offset = offsetof(struct schema_ref, line)

static const struct schema_field secret_fields[] = {PLACE("Secret"), KEY("Secret"), VALUE, {0}};
static const struct schema_field map_fields[] = {PLACE("ConfigMap"), KEY("ConfigMap"), VALUE, {0}};
static const struct schema_field backend_fields[] = {
    PLACE("Service"),
    SCHEMA_FIELD(struct schema_ref, port, "port", INT, "Port of the Service.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 65535),
    VALUE,
    {0},
};

static const struct schema_field uri_fields[] = {
    SCHEMA_FIELD(struct schema_ref, name, "uri", STRING,
                 "Where the document is: \"https://login.example.com/keys\". A host that is a "
                 "Service, \"http://login.shop.svc:8080/keys\", is called as a Service of the mesh.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 2048,
                 .format = &schema_format_http_uri),
    SCHEMA_FIELD(struct schema_ref, allows_local, "allowLocalAddresses", BOOL,
                 "The host may lead to the data plane's own machine or link (loopback, link-local "
                 "addresses, metadata services). Services always may."),
    VALUE,
    {0},
};

const struct schema schema_ref_uri = {
    .name = "DocumentReference",
    .doc = "A document that is fetched by HTTP. Certificates are checked by the roots of the data "
           "plane's system; redirects are not followed.",
    .size = sizeof(struct schema_ref),
    .fields = uri_fields,
    LINE,
};

const struct schema schema_ref_secret = {
    .name = "SecretValueReference",
    .doc = "A value of a Secret.",
    .size = sizeof(struct schema_ref),
    .fields = secret_fields,
    LINE,
};

const struct schema schema_ref_config_map = {
    .name = "ConfigMapValueReference",
    .doc = "A value of a ConfigMap.",
    .size = sizeof(struct schema_ref),
    .fields = map_fields,
    LINE,
};

const struct schema schema_ref_backend = {
    .name = "BackendReference",
    .doc = "A port of a Service.",
    .size = sizeof(struct schema_ref),
    .fields = backend_fields,
    LINE,
};

static const char *const from_choices[] = {
    [SCHEMA_REF_FROM_SAME] = "Same",
    [SCHEMA_REF_FROM_ALL] = "All",
    [SCHEMA_REF_FROM_SELECTOR] = "Selector",
    NULL,
};

static const struct schema_field label_element = {.type = SCHEMA_STRING,
                                                  .format = &schema_format_label_value};

static const struct schema_field consumers_fields[] = {
    SCHEMA_FIELD(struct schema_ref, from, "from", ENUM,
                 "Same: the filter's own namespace; All: every namespace; Selector: those with all "
                 "of matchLabels.",
                 .choices = from_choices),
    SCHEMA_FIELD(struct schema_ref, match_labels, "matchLabels", MAP,
                 "Labels that the namespace must have, where from is Selector.", .max = 64,
                 .format = &schema_format_label_key, .element = &label_element),
    VALUE,
    {0},
};

static void check_consumers(struct schema_run *run, const struct doc *node, void *value)
{
    const struct schema_ref *ref = value;
    bool chooses = ref->from == SCHEMA_REF_FROM_SELECTOR;
    if (chooses && !ref->match_labels.count)
        schema_error(run, node, "matchLabels", "is required where from is Selector");
    if (!chooses && ref->match_labels.present)
        schema_error(run, node, "matchLabels", "must be left out unless from is Selector");
}

static const struct schema_rule consumers_rules[] = {
    {"(has(self.from) && self.from == 'Selector') == (has(self.matchLabels) && "
     "self.matchLabels.size() > 0)",
     "matchLabels goes with from: Selector"},
    {0},
};

const struct schema schema_ref_consumers = {
    .name = "ConsumerNamespaces",
    .doc = "Whose Consumers are accepted: those of which namespaces.",
    .size = sizeof(struct schema_ref),
    .fields = consumers_fields,
    .check = check_consumers,
    .rules = consumers_rules,
    LINE,
};

/* ---- the walk ---- */

static const struct schema *const kinds[] = {
    [SCHEMA_REF_SECRET] = &schema_ref_secret,
    [SCHEMA_REF_CONFIG_MAP] = &schema_ref_config_map,
    [SCHEMA_REF_BACKEND] = &schema_ref_backend,
    [SCHEMA_REF_URI] = &schema_ref_uri,
    [SCHEMA_REF_CONSUMERS] = &schema_ref_consumers,
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static int kind_of(const struct schema *s)
{
    int kind = 0;
    while (kind < KINDS && kinds[kind] != s)
        kind++;
    return kind;
}

struct walk {
    schema_ref_visit_fn visit;
    void *owner;
    char path[SCHEMA_PATH_MAX];
};

static void walk_object(struct walk *w, const struct schema *schema, char *value, size_t path_len);

static void walk_field(struct walk *w, const struct schema_field *f, char *at, size_t path_len)
{
    struct schema_list *list = (void *)at;
    switch (f->type) {
    case SCHEMA_OBJECT:
        if (*(void **)(void *)at)
            walk_object(w, f->object, *(void **)(void *)at, path_len);
        break;
    case SCHEMA_INLINE:
        walk_object(w, f->object, at, path_len);
        break;
    case SCHEMA_LIST:
    case SCHEMA_MAP:
        if (f->element->type != SCHEMA_INLINE)
            break;
        for (size_t i = 0; i < list->count; i++) {
            int len = snprintf(w->path + path_len, SCHEMA_PATH_MAX - path_len, "[%zu]", i);
            walk_object(w, f->element->object,
                        (char *)list->items + i * schema_item_size(f), path_len + (size_t)len);
        }
        break;
    default:
        break;
    }
}

static void walk_object(struct walk *w, const struct schema *schema, char *value, size_t path_len)
{
    int kind = kind_of(schema);
    if (kind < KINDS) {
        w->path[path_len] = '\0';
        w->visit(w->owner, (enum schema_ref_kind)kind, (void *)value, w->path);
        return;
    }
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        int len = snprintf(w->path + path_len, SCHEMA_PATH_MAX - path_len, "%s%s",
                           path_len ? "." : "", f->name);
        if ((size_t)len < SCHEMA_PATH_MAX - path_len)
            walk_field(w, f, value + f->offset, path_len + (size_t)len);
    }
}

void schema_ref_walk(const struct schema *schema, void *value, schema_ref_visit_fn visit,
                     void *owner)
{
    struct walk w = {.visit = visit, .owner = owner};
    walk_object(&w, schema, value, 0);
}

bool schema_ref_is_in(const struct schema *schema)
{
    if (kind_of(schema) < KINDS)
        return true;
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        const struct schema_field *leaf = f;
        while (leaf->type == SCHEMA_LIST || leaf->type == SCHEMA_MAP)
            leaf = leaf->element;
        bool is_object = leaf->type == SCHEMA_OBJECT || leaf->type == SCHEMA_INLINE;
        if (is_object && schema_ref_is_in(leaf->object))
            return true;
    }
    return false;
}
