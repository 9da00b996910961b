/* The table of how TLS ends at listeners. Control thread. Must not know which listeners there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/listener_tls.h"

#include <stdio.h>

#include "lib/base/similar.h"
#include "lib/schema/schema_layer.h"
#include "lib/tls/tls_suites.h"
#include "policies/kinds/gateway_listener.h"

#define INHERIT .flags = SCHEMA_INHERIT

enum { DEPTH_MAX = 9 };

static const char *const versions[] = {
    [LISTENER_TLS_1_2] = "1.2", [LISTENER_TLS_1_3] = "1.3", NULL};
static const char *const modes[] = {
    [LISTENER_TLS_REQUIRED] = "Required",
    [LISTENER_TLS_OPTIONAL] = "Optional",
    [LISTENER_TLS_NONE] = "None",
    NULL,
};

/* ---- client certificates ---- */

static const struct schema_field authority_element = {
    .type = SCHEMA_INLINE, .object = &gateway_listener_authority_schema};

static const struct schema_field client_fields[] = {
    SCHEMA_FIELD(struct listener_tls_clients, mode, "mode", ENUM,
                 "Required: who shows no certificate, or one that is not good, is refused in the "
                 "handshake. Optional: who shows none is served without being known; one that is "
                 "not good is refused. None: no certificate is asked for. Left out, the Gateway's "
                 "own spec.tls.frontend holds; else it takes its place.",
                 INHERIT, .choices = modes, .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct listener_tls_clients, authorities, "caCertificateRefs", LIST,
                 "ConfigMaps with certificates of the authorities, under ca.crt. With Required or "
                 "Optional, and none that is of use, nobody's certificate is good.",
                 INHERIT, .min = 1, .max = 16, .element = &authority_element),
    SCHEMA_FIELD(struct listener_tls_clients, depth, "verificationDepth", INT,
                 "How many certificates may be between a client's own and that of an authority in "
                 "caCertificateRefs; 0: the authority must have issued it itself.",
                 INHERIT, .max = DEPTH_MAX, .fallback = DEPTH_MAX),
    {0},
};

static const struct schema client_schema = {
    .name = "ListenerClientCertificates",
    .doc = "Which certificates clients must show.",
    .size = sizeof(struct listener_tls_clients),
    .fields = client_fields,
};

/* ---- the section ---- */

static const struct schema_field word_element = {.type = SCHEMA_STRING, .min = 1, .max = 64};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct listener_tls, min_version, "minVersion", ENUM,
                 "The oldest version of TLS that is spoken.", INHERIT, .choices = versions,
                 .fallback = LISTENER_TLS_1_2),
    SCHEMA_FIELD(struct listener_tls, max_version, "maxVersion", ENUM,
                 "The newest version of TLS that is spoken.", INHERIT, .choices = versions,
                 .fallback = LISTENER_TLS_1_3),
    SCHEMA_FIELD(struct listener_tls, ciphers, "ciphers", LIST,
                 "Cipher suites, by their names of IANA or OpenSSL, in order of preference. A "
                 "version of which none is named has all of its own, which are those of Mozilla's "
                 "intermediate profile without finite-field Diffie-Hellman.",
                 INHERIT, .min = 1, .max = 16, .element = &word_element),
    SCHEMA_FIELD(struct listener_tls, groups, "groups", LIST,
                 "Groups for the key exchange, in order of preference: X25519MLKEM768, X25519, "
                 "P-256, P-384, P-521. Left out, the first three.",
                 INHERIT, .min = 1, .max = 8, .element = &word_element),
    SCHEMA_FIELD(struct listener_tls, alpn, "alpn", LIST,
                 "What is spoken inside of TLS: h2, http/1.1. Left out, both. Without meaning for "
                 "listeners of protocol TLS.",
                 INHERIT, .min = 1, .max = 2, .element = &word_element),
    SCHEMA_FIELD(struct listener_tls, clients, "clientCertificates", INLINE,
                 "Which certificates clients must show.", .object = &client_schema),
    {0},
};

static void check_ciphers(struct schema_run *run, const struct doc *node,
                          const struct schema_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        struct slice name = *SCHEMA_AT(*names, struct slice, i);
        char where[32], why[TLS_SUITE_WHY_MAX];
        if (!name.len || tls_suite_find(name))
            continue;
        snprintf(where, sizeof where, "ciphers[%zu]", i);
        tls_suite_explain(name, why);
        schema_error(run, node, where, "\"%.*s\" %s", SLICE_ARG(name), why);
    }
}

static void check_groups(struct schema_run *run, const struct doc *node,
                         const struct schema_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        struct slice name = *SCHEMA_AT(*names, struct slice, i);
        char where[32];
        if (!name.len || tls_group_find(name))
            continue;
        struct similar near = similar_to(name);
        for (size_t k = 0; k < TLS_GROUP_COUNT; k++)
            similar_try(&near, slice_from_cstr(tls_groups[k].name));
        snprintf(where, sizeof where, "groups[%zu]", i);
        schema_error(run, node, where,
                     "\"%.*s\" is none of: X25519MLKEM768, X25519, P-256, P-384, P-521%s%.*s%s",
                     SLICE_ARG(name), near.best.len ? "; did you mean \"" : "",
                     SLICE_ARG(near.best), near.best.len ? "\"?" : "");
    }
}

static void check_alpn(struct schema_run *run, const struct doc *node,
                       const struct schema_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        struct slice name = *SCHEMA_AT(*names, struct slice, i);
        char where[32];
        if (!name.len || slice_eq_cstr(name, "h2") || slice_eq_cstr(name, "http/1.1"))
            continue;
        snprintf(where, sizeof where, "alpn[%zu]", i);
        schema_error(run, node, where, "\"%.*s\" is none of: h2, http/1.1", SLICE_ARG(name));
    }
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct listener_tls *tls = value;
    if (tls->min_version == LISTENER_TLS_1_3 && tls->max_version == LISTENER_TLS_1_2)
        schema_error(run, node, "maxVersion", "is older than minVersion");
    check_ciphers(run, node, &tls->ciphers);
    check_groups(run, node, &tls->groups);
    check_alpn(run, node, &tls->alpn);
}

static const struct schema_rule rules[] = {
    {"!has(self.minVersion) || !has(self.maxVersion) || self.minVersion <= self.maxVersion",
     "maxVersion is older than minVersion"},
    {"!has(self.alpn) || self.alpn.all(a, a in ['h2', 'http/1.1'])",
     "alpn must be of h2 and http/1.1"},
    {0},
};

const struct schema listener_tls_schema = {
    .name = "ListenerTLS",
    .doc = "How TLS ends at the listeners.",
    .size = sizeof(struct listener_tls),
    .fields = fields,
    .check = check,
    .rules = rules,
};

bool listener_tls_is_said(const struct listener_tls *tls)
{
    char ignored[SCHEMA_PATH_MAX];
    return schema_layer_overlap(&listener_tls_schema, tls, tls, ignored);
}
