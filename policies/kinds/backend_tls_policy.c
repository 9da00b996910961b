/* The table of BackendTLSPolicy, with what the standard demands across its fields. Control
 * thread. Must not know which Services and certificates exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/backend_tls_policy.h"

#include <stdio.h>

#include "lib/schema/schema_format.h"

static const char *const san_types[] = {
    [BACKEND_TLS_POLICY_SAN_DNS] = "Hostname",
    [BACKEND_TLS_POLICY_SAN_URI] = "URI",
    NULL,
};

static const struct schema_field target_fields[] = {
    SCHEMA_FIELD(struct policy_target, group, "group", STRING,
                 "Group of the target; empty for a Service.", .flags = SCHEMA_REQUIRED, .max = 253),
    SCHEMA_FIELD(struct policy_target, kind, "kind", STRING, "Service.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 63),
    SCHEMA_FIELD(struct policy_target, name, "name", STRING,
                 "Name of the target, in the policy's namespace.", .flags = SCHEMA_REQUIRED,
                 .format = &schema_format_name),
    SCHEMA_FIELD(struct policy_target, section, "sectionName", STRING,
                 "One port of the Service, by name.", .format = &schema_format_section),
    {0},
};

static const struct schema target_schema = {
    .name = "LocalPolicyTargetReferenceWithSectionName",
    .doc = "What the policy is for.",
    .size = sizeof(struct policy_target),
    .fields = target_fields,
    .has_line = true,
    .line_offset = offsetof(struct policy_target, line),
};

static const struct schema_field ca_ref_fields[] = {
    SCHEMA_FIELD(struct backend_tls_policy_ca_ref, group, "group", STRING,
                 "Group of the object; empty for core.", .flags = SCHEMA_REQUIRED, .max = 253),
    SCHEMA_FIELD(struct backend_tls_policy_ca_ref, kind, "kind", STRING,
                 "ConfigMap, or Secret; its key ca.crt is read.", .flags = SCHEMA_REQUIRED,
                 .min = 1, .max = 63),
    SCHEMA_FIELD(struct backend_tls_policy_ca_ref, name, "name", STRING, "Name of the object.",
                 .flags = SCHEMA_REQUIRED, .format = &schema_format_name),
    {0},
};

static const struct schema ca_ref_schema = {
    .name = "LocalObjectReference",
    .doc = "Where certificates of authorities are.",
    .size = sizeof(struct backend_tls_policy_ca_ref),
    .fields = ca_ref_fields,
    .has_line = true,
    .line_offset = offsetof(struct backend_tls_policy_ca_ref, line),
};

static const struct schema_field san_fields[] = {
    SCHEMA_FIELD(struct backend_tls_policy_san, type, "type", ENUM, "What kind of name.",
                 .flags = SCHEMA_REQUIRED, .choices = san_types, .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct backend_tls_policy_san, hostname, "hostname", STRING, "A host name.",
                 .format = &schema_format_hostname),
    SCHEMA_FIELD(struct backend_tls_policy_san, uri, "uri", STRING, "A URI.",
                 .format = &schema_format_uri, .max = 253),
    {0},
};

static void check_san(struct schema_run *run, const struct doc *node, void *value)
{
    static const char *const members[] = {"hostname", "uri"};
    const struct backend_tls_policy_san *san = value;
    if (san->type == SCHEMA_UNSET)
        return;
    for (int i = 0; i < 2; i++) {
        bool given = doc_get(node, slice_from_cstr(members[i])) != NULL;
        if (i == san->type && !given)
            schema_error(run, node, members[i], "is required when type is %s", san_types[i]);
        if (i != san->type && given)
            schema_error(run, node, members[i], "must be left out when type is %s",
                         san_types[san->type]);
    }
}

static const struct schema san_schema = {
    .name = "SubjectAltName",
    .doc = "A name that the certificate must have.",
    .size = sizeof(struct backend_tls_policy_san),
    .fields = san_fields,
    .check = check_san,
};

static const struct schema_field ca_ref_element = {.type = SCHEMA_INLINE, .object = &ca_ref_schema};
static const struct schema_field san_element = {.type = SCHEMA_INLINE, .object = &san_schema};

static const struct schema_field validation_fields[] = {
    SCHEMA_FIELD(struct backend_tls_policy_validation, ca_refs, "caCertificateRefs", LIST,
                 "Authorities that are trusted.", .max = 8, .element = &ca_ref_element),
    SCHEMA_FIELD(struct backend_tls_policy_validation, well_known, "wellKnownCACertificates",
                 STRING, "Instead of caCertificateRefs: System, the authorities of the machine.",
                 .min = 1, .max = 253),
    SCHEMA_FIELD(struct backend_tls_policy_validation, hostname, "hostname", STRING,
                 "Server name (SNI) that the backend is asked for; its certificate must have it.",
                 .flags = SCHEMA_REQUIRED, .format = &schema_format_name),
    SCHEMA_FIELD(struct backend_tls_policy_validation, sans, "subjectAltNames", LIST,
                 "Names of which the certificate must have one, instead of hostname.", .max = 5,
                 .element = &san_element),
    {0},
};

static void check_validation(struct schema_run *run, const struct doc *node, void *value)
{
    const struct backend_tls_policy_validation *v = value;
    if (v->well_known.ptr && v->ca_refs.count)
        schema_error(run, node, "caCertificateRefs",
                     "must be left out: wellKnownCACertificates is given");
    if (!doc_get(node, SLICE("wellKnownCACertificates")) && !v->ca_refs.count)
        schema_error(run, node, "caCertificateRefs",
                     "is required, or wellKnownCACertificates instead");
}

const struct schema backend_tls_policy_validation_schema = {
    .name = "BackendTLSPolicyValidation",
    .doc = "How the backend's certificate is verified.",
    .size = sizeof(struct backend_tls_policy_validation),
    .fields = validation_fields,
    .check = check_validation,
};

static const struct schema_field option_element = {.type = SCHEMA_STRING, .max = 4096};
static const struct schema_field target_element = {.type = SCHEMA_INLINE, .object = &target_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct backend_tls_policy_spec, targets, "targetRefs", LIST,
                 "Services, or ports of them, that the policy is for.", .flags = SCHEMA_REQUIRED,
                 .min = 1, .max = 16, .element = &target_element),
    SCHEMA_FIELD(struct backend_tls_policy_spec, validation, "validation", INLINE,
                 "How the backend's certificate is verified.", .flags = SCHEMA_REQUIRED,
                 .object = &backend_tls_policy_validation_schema),
    SCHEMA_FIELD(struct backend_tls_policy_spec, options, "options", MAP,
                 "Extensions of implementations; we have none.", .max = 16,
                 .element = &option_element),
    {0},
};

static bool is_same_target(const struct policy_target *a,
                           const struct policy_target *b)
{
    return slice_eq(a->group, b->group) && slice_eq(a->kind, b->kind) && slice_eq(a->name, b->name);
}

static void check_means(struct schema_run *run, const struct doc *node,
                        struct backend_tls_policy_spec *spec)
{
    const struct backend_tls_policy_validation *v = &spec->validation;
    const char *at = NULL;
    if (spec->options.count)
        at = "options";
    else if (v->well_known.ptr && !slice_eq_cstr(v->well_known, "System"))
        at = "validation.wellKnownCACertificates";
    else if (v->hostname.ptr && !schema_format_precise_hostname.is_valid(v->hostname))
        at = "validation.hostname";
    if (!at)
        return;
    spec->unusable = at;
    schema_warn(run, node, at, "is not supported: the backends are answered 500");
}

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    struct backend_tls_policy_spec *spec = value;
    check_means(run, node, spec);
    for (size_t i = 0; i < spec->targets.count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct policy_target *a =
                SCHEMA_AT(spec->targets, struct policy_target, i);
            const struct policy_target *b =
                SCHEMA_AT(spec->targets, struct policy_target, j);
            char where[40];
            snprintf(where, sizeof where, "targetRefs[%zu]", i);
            if (is_same_target(a, b) &&
                (!a->section.len || !b->section.len || slice_eq(a->section, b->section)))
                schema_error(run, node, where,
                             "the same target as [%zu]: each needs a sectionName of its own", j);
        }
    }
}

static const struct schema spec_schema = {
    .name = "BackendTLSPolicySpec",
    .doc = "Targets, and whom to trust.",
    .size = sizeof(struct backend_tls_policy_spec),
    .fields = spec_fields,
    .check = check_spec,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct backend_tls_policy, spec, "spec", INLINE, "Targets, and whom to trust.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema backend_tls_policy_kind_schema = {
    .name = "BackendTLSPolicy",
    .doc = "Has Gateways call a Service over TLS.",
    .size = sizeof(struct backend_tls_policy),
    .fields = fields,
};

bool backend_tls_policy_target_is_service(const struct policy_target *t)
{
    return slice_is_empty(t->group) && slice_eq_cstr(t->kind, "Service");
}
