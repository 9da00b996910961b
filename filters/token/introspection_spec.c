/* oauth2Introspection: what users write, and what is made of it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/introspection.h"

#include <string.h>

#include "lib/base/percent.h"
#include "lib/codec/text/base64.h"
#include "lib/schema/schema_format.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

struct claim_header_spec {
    struct slice claim, header;
};

struct introspection_spec {
    const struct schema_ref *backend;
    struct slice path, host;
    struct slice client_id;
    const struct schema_ref *client_secret;
    struct slice token_header;
    bool hide;
    struct slice issuer;
    struct schema_list audiences, scopes; /* struct slice */
    struct schema_list claim_headers;     /* struct claim_header_spec */
    int64_t ttl_ms, negative_ttl_ms, timeout_ms;
    struct slice realm;
};

static const struct schema_field text_element = {.type = SCHEMA_STRING, .min = 1, .max = 256};

static const struct schema_field claim_header_fields[] = {
    SCHEMA_FIELD(struct claim_header_spec, claim, "claim", STRING,
                 "Member of the server's answer: \"sub\", or \"realm_access.roles\".",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256),
    SCHEMA_FIELD(struct claim_header_spec, header, "header", STRING,
                 "Header that the backend gets it in, and only from there.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    {0},
};

static const struct schema claim_header_schema = {
    .name = "IntrospectionClaimHeader",
    .doc = "A claim that the backend gets as a header.",
    .size = sizeof(struct claim_header_spec),
    .fields = claim_header_fields,
};

static const struct schema_field claim_header_element = {.type = SCHEMA_INLINE,
                                                         .object = &claim_header_schema};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct introspection_spec, backend, "backendRef", OBJECT,
                 "The authorization server.", .flags = SCHEMA_REQUIRED,
                 .object = &schema_ref_backend),
    SCHEMA_FIELD(struct introspection_spec, path, "path", STRING, "Of its introspection endpoint.",
                 .text = "/introspect", .min = 1, .max = 1024, .format = &schema_format_path),
    SCHEMA_FIELD(struct introspection_spec, host, "host", STRING,
                 "The host that it is asked for; the Service's own name when left out.",
                 .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct introspection_spec, client_id, "clientId", STRING,
                 "As whom it is asked (client_secret_basic).", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 256),
    SCHEMA_FIELD(struct introspection_spec, client_secret, "clientSecretRef", OBJECT,
                 "The client's secret.", .flags = SCHEMA_REQUIRED, .object = &schema_ref_secret),
    SCHEMA_FIELD(struct introspection_spec, token_header, "tokenHeader", STRING,
                 "A header whose value is the token; \"Authorization: Bearer\" when left out.",
                 .min = 1, .max = 256, .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct introspection_spec, hide, "hideCredentials", BOOL,
                 "Remove the token before the request goes on."),
    SCHEMA_FIELD(struct introspection_spec, issuer, "issuer", STRING,
                 "What iss of the answer must be; anything when left out.", .min = 1, .max = 1024),
    SCHEMA_FIELD(struct introspection_spec, audiences, "audiences", LIST,
                 "One of them must be in aud; any when left out.", .min = 1, .max = 32,
                 .element = &text_element),
    SCHEMA_FIELD(struct introspection_spec, scopes, "scopes", LIST,
                 "All of them must be in scope, else 403.", .min = 1, .max = 32,
                 .element = &text_element),
    SCHEMA_FIELD(struct introspection_spec, claim_headers, "claimToHeaders", LIST,
                 "What the backend is told of the token.", .max = 32,
                 .element = &claim_header_element),
    SCHEMA_FIELD(struct introspection_spec, ttl_ms, "cacheTime", DURATION,
                 "How long a good token is good without asking again, at most until its exp. 0s: "
                 "every request is asked about.",
                 .fallback = 300000),
    SCHEMA_FIELD(struct introspection_spec, negative_ttl_ms, "negativeCacheTime", DURATION,
                 "How long a token that is not active is refused without asking again.",
                 .fallback = 10000),
    SCHEMA_FIELD(struct introspection_spec, timeout_ms, "timeout", DURATION,
                 "How long an answer may take.", .fallback = 2000),
    SCHEMA_FIELD(struct introspection_spec, realm, "realm", STRING,
                 "What WWW-Authenticate calls that which is protected.", .min = 1, .max = 128,
                 .format = &schema_format_realm),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct introspection_spec *s = value;
    if (s->timeout_ms < 1 || s->timeout_ms > 60000)
        schema_error(run, node, "timeout", "must be from 1ms to 1m");
    for (size_t i = 0; i < s->scopes.count; i++) {
        struct slice scope = *SCHEMA_AT(s->scopes, struct slice, i);
        for (size_t j = 0; j < scope.len; j++)
            if (scope.ptr[j] <= ' ' || scope.ptr[j] > '~' || strchr("\"\\", scope.ptr[j])) {
                schema_error(run, node, "scopes",
                             "must be scope tokens: printable, without spaces, quotes and "
                             "backslashes");
                return;
            }
    }
}

const struct schema introspection_schema = {
    .name = "OAuth2Introspection",
    .doc = "Who may call: whoever has a token that the authorization server says is active.",
    .size = sizeof(struct introspection_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct slice introspection_encode(struct arena *arena, struct slice text)
{
    char *to = arena_alloc(arena, 3 * text.len + 1);
    return slice_of(to, percent_encode(text, "-._*", to));
}

struct slice introspection_basic(struct arena *arena, struct slice id, struct slice secret)
{
    struct slice pair = arena_printf(arena, "%.*s:%.*s", SLICE_ARG(introspection_encode(arena, id)),
                                     SLICE_ARG(introspection_encode(arena, secret)));
    char *code = arena_alloc(arena, BASE64_ENCODED_LEN(pair.len));
    base64_encode(pair, code);
    return arena_printf(arena, "Basic %.*s", (int)BASE64_ENCODED_LEN(pair.len), code);
}

static struct slice join(struct arena *arena, const struct schema_list *words)
{
    struct slice text = SLICE("");
    for (SCHEMA_EACH(*words, struct slice, word))
        text = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(text), text.len ? " " : "",
                            SLICE_ARG(*word));
    return text;
}

static void take_headers(struct arena *arena, const struct schema_list *from,
                         struct introspection *c)
{
    struct introspection_header *headers = arena_alloc(arena, from->count * sizeof(*headers));
    c->headers = headers;
    for (SCHEMA_EACH(*from, struct claim_header_spec, h))
        headers[c->header_count++] =
            (struct introspection_header){h->claim, arena_copy_lower(arena, h->header)};
}

enum err introspection_prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct introspection_spec *s = spec;
    struct introspection *c = conf;
    *c = (struct introspection){
        .cluster = s->backend->value,
        .backend = arena_printf(b->arena, "%.*s:%d", SLICE_ARG(s->backend->name),
                                (int)s->backend->port),
        .path = s->path,
        .host = s->host,
        .authorization = introspection_basic(b->arena, s->client_id,
                                             s->client_secret->value),
        .token_header = arena_copy_lower(b->arena, s->token_header),
        .issuer = s->issuer,
        .audiences = s->audiences.items,
        .audience_count = s->audiences.count,
        .scopes = s->scopes.items,
        .scope_count = s->scopes.count,
        .scope_text = join(b->arena, &s->scopes),
        .realm = s->realm,
        .ttl_ms = (uint32_t)s->ttl_ms,
        .negative_ttl_ms = (uint32_t)s->negative_ttl_ms,
        .timeout_ms = (uint32_t)s->timeout_ms,
        .hide = s->hide,
        .cache = filter_keep(b, sizeof(struct introspection_cache), NULL,
                             introspection_cache_dispose),
    };
    c->salt = arena_printf(b->arena, "%.*s %.*s %.*s %.*s ", SLICE_ARG(c->cluster),
                           SLICE_ARG(c->path), SLICE_ARG(c->host), SLICE_ARG(s->client_id));
    take_headers(b->arena, &s->claim_headers, c);
    return ERR_OK;
}
