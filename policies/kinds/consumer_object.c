/* The table of Consumer, whose credentials are a union made from filters/caller/credential.def.
 * Control thread. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/consumer_object.h"

#include <stdio.h>

#include "lib/codec/http/message.h"
#include "lib/schema/schema_format.h"

/* ---- credentials ---- */

enum { RULE_MAX = 1024 };

/* Filled in before main. */
static struct schema_field credential_fields[CREDENTIAL_COUNT + 1];
static char one_of_rule[RULE_MAX];
static const struct schema_rule credential_rules[] = {
    {one_of_rule, "exactly one type must be given"},
    {0},
};

__attribute__((constructor)) static void make_union(void)
{
    int at = snprintf(one_of_rule, RULE_MAX, "[");
    for (int i = 0; i < CREDENTIAL_COUNT; i++) {
        const char *name = credential_name((enum credential_type)i);
        credential_fields[i] = (struct schema_field){
            .name = name,
            .doc = credential_kinds[i]->doc,
            .type = SCHEMA_OBJECT,
            .offset = offsetof(struct consumer_credential_spec, types) + (size_t)i * sizeof(void *),
            .object = credential_kinds[i]->schema,
        };
        at += snprintf(one_of_rule + at, (size_t)(RULE_MAX - at), "%shas(self.%s)", i ? "," : "",
                       name);
    }
    snprintf(one_of_rule + at, (size_t)(RULE_MAX - at), "].exists_one(x, x)");
}

static void check_credential(struct schema_run *run, const struct doc *node, void *value)
{
    const char *chosen = NULL;
    (void)value;
    for (const struct schema_field *f = credential_fields; f->name; f++) {
        if (!doc_get(node, slice_from_cstr(f->name)))
            continue;
        if (chosen)
            schema_error(run, node, f->name, "must be left out: the credential is %s", chosen);
        else
            chosen = f->name;
    }
    if (!chosen)
        schema_error(run, node, NULL, "must have a type: keyAuth, basicAuth and so on");
}

static const struct schema credential_schema = {
    .name = "ConsumerCredential",
    .doc = "Something that the consumer proves with who it is.",
    .size = sizeof(struct consumer_credential_spec),
    .fields = credential_fields,
    .has_line = true,
    .line_offset = offsetof(struct consumer_credential_spec, line),
    .check = check_credential,
    .rules = credential_rules,
};

enum credential_type consumer_chosen(const struct consumer_credential_spec *c)
{
    int i = 0;
    while (i + 1 < CREDENTIAL_COUNT && !c->types[i])
        i++;
    return (enum credential_type)i;
}

/* ---- the kind ---- */

static bool is_group(struct slice text)
{
    return message_value_is_valid(text) && !memchr(text.ptr, ',', text.len);
}

static const struct schema_format format_group = {
    .name = "group",
    .must_be = "must be what a header may hold, without a comma",
    .pattern = "^[^,\\x00-\\x1f\\x7f]+$",
    .is_valid = is_group,
};

static const struct schema_field group_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 128, .format = &format_group};
static const struct schema_field tag_element = {.type = SCHEMA_STRING, .min = 1, .max = 128};
static const struct schema_field credential_element = {.type = SCHEMA_INLINE,
                                                       .object = &credential_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct consumer_spec, username, "username", STRING,
                 "What backends and logs call it (X-Consumer-Username); its name when left out.",
                 .min = 1, .max = 253, .format = &schema_format_header_value),
    SCHEMA_FIELD(struct consumer_spec, custom_id, "customID", STRING,
                 "What it is called elsewhere (X-Consumer-Custom-ID).", .min = 1, .max = 253,
                 .format = &schema_format_header_value),
    SCHEMA_FIELD(struct consumer_spec, groups, "groups", LIST,
                 "Groups that it is in (X-Consumer-Groups), for the filter acl.", .max = 64,
                 .element = &group_element),
    SCHEMA_FIELD(struct consumer_spec, tags, "tags", LIST,
                 "Words for whoever administrates it; no data plane reads them.", .max = 64,
                 .element = &tag_element),
    SCHEMA_FIELD(struct consumer_spec, credentials, "credentials", LIST,
                 "What it proves with who it is. Several of one type are all good, so that one can "
                 "be replaced.",
                 .max = 64, .element = &credential_element),
    {0},
};

const struct schema consumer_spec_schema = {
    .name = "ConsumerSpec",
    .doc = "Who calls, and what proves it.",
    .size = sizeof(struct consumer_spec),
    .fields = spec_fields,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct consumer_object, spec, "spec", INLINE, "Who calls, and what proves it.",
                 .flags = SCHEMA_REQUIRED, .object = &consumer_spec_schema),
    {0},
};

const struct schema consumer_object_kind_schema = {
    .name = "Consumer",
    .doc = "Somebody who calls: an application, a partner, a person. Filters that authenticate "
           "(keyAuth, basicAuth, jwt and so on) accept the Consumers of their own namespace, and "
           "of others that their consumerNamespaces names.",
    .size = sizeof(struct consumer_object),
    .fields = fields,
};

struct slice consumer_username(const struct consumer_object *o)
{
    return o->spec.username.ptr ? o->spec.username : o->object.meta.name;
}
