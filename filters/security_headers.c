/* securityHeaders: what browsers are told about a site, on every answer, errors included; and what
 * an answer need not say of the software behind it (OWASP Secure Headers Project).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <inttypes.h>

#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

struct hsts_spec {
    int64_t max_age; /* seconds */
    bool subdomains, preload, off;
};

struct security_headers_spec {
    struct hsts_spec hsts;
    bool nosniff, overrides;
    int frame, xss, referrer, opener, embedder, resource;
    struct slice csp, csp_report_only, permissions;
    struct schema_list remove; /* struct slice */
};

static const struct schema_field hsts_fields[] = {
    SCHEMA_FIELD(struct hsts_spec, max_age, "maxAgeSeconds", INT,
                 "How long browsers use HTTPS only; a year until said otherwise.", .min = 0,
                 .max = 315360000, .fallback = 31536000),
    SCHEMA_FIELD(struct hsts_spec, subdomains, "includeSubDomains", BOOL,
                 "For all names below this one too.", .fallback = 1),
    SCHEMA_FIELD(struct hsts_spec, preload, "preload", BOOL,
                 "Browsers may have the name in their lists (hstspreload.org)."),
    SCHEMA_FIELD(struct hsts_spec, off, "disabled", BOOL, "The header is left out."),
    {0},
};

static const struct schema hsts_schema = {
    .name = "StrictTransportSecurity",
    .doc = "Strict-Transport-Security (RFC 6797); only where the client uses HTTPS.",
    .size = sizeof(struct hsts_spec),
    .fields = hsts_fields,
};

static const char *const frames[] = {"None", "DENY", "SAMEORIGIN", NULL};
static const char *const filters_xss[] = {"None", "Disable", "Block", NULL};
static const char *const xss_values[] = {NULL, "0", "1; mode=block"};
static const char *const referrers[] = {
    "None",          "no-referrer",   "no-referrer-when-downgrade",
    "origin",        "same-origin",   "origin-when-cross-origin",
    "strict-origin", "unsafe-url",    "strict-origin-when-cross-origin",
    NULL,
};
enum { STRICT_ORIGIN_WHEN_CROSS_ORIGIN = 8 };
static const char *const openers[] = {"None", "same-origin", "same-origin-allow-popups",
                                      "unsafe-none", NULL};
static const char *const embedders[] = {"None", "require-corp", "credentialless", "unsafe-none",
                                        NULL};
static const char *const resources[] = {"None", "same-origin", "same-site", "cross-origin", NULL};

static const struct schema_field name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_mutable_header};

#define POLICY(member, name, doc)                                                       \
    SCHEMA_FIELD(struct security_headers_spec, member, name, STRING, doc, .max = 8192,  \
                 .format = &schema_format_header_value)

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct security_headers_spec, hsts, "strictTransportSecurity", INLINE,
                 "Strict-Transport-Security.", .object = &hsts_schema),
    SCHEMA_FIELD(struct security_headers_spec, nosniff, "contentTypeOptions", BOOL,
                 "X-Content-Type-Options: nosniff.", .fallback = 1),
    SCHEMA_FIELD(struct security_headers_spec, frame, "frameOptions", ENUM, "X-Frame-Options.",
                 .choices = frames, .fallback = 1),
    SCHEMA_FIELD(struct security_headers_spec, xss, "xssProtection", ENUM,
                 "X-XSS-Protection, for old browsers: Disable is \"0\", Block \"1; mode=block\".",
                 .choices = filters_xss, .fallback = 0),
    SCHEMA_FIELD(struct security_headers_spec, referrer, "referrerPolicy", ENUM,
                 "Referrer-Policy.", .choices = referrers,
                 .fallback = STRICT_ORIGIN_WHEN_CROSS_ORIGIN),
    POLICY(csp, "contentSecurityPolicy", "Content-Security-Policy."),
    POLICY(csp_report_only, "contentSecurityPolicyReportOnly",
           "Content-Security-Policy-Report-Only."),
    POLICY(permissions, "permissionsPolicy", "Permissions-Policy."),
    SCHEMA_FIELD(struct security_headers_spec, opener, "crossOriginOpenerPolicy", ENUM,
                 "Cross-Origin-Opener-Policy.", .choices = openers, .fallback = 0),
    SCHEMA_FIELD(struct security_headers_spec, embedder, "crossOriginEmbedderPolicy", ENUM,
                 "Cross-Origin-Embedder-Policy.", .choices = embedders, .fallback = 0),
    SCHEMA_FIELD(struct security_headers_spec, resource, "crossOriginResourcePolicy", ENUM,
                 "Cross-Origin-Resource-Policy.", .choices = resources, .fallback = 0),
    SCHEMA_FIELD(struct security_headers_spec, overrides, "override", BOOL,
                 "What the backend has set itself is replaced; else it stays."),
    SCHEMA_FIELD(struct security_headers_spec, remove, "remove", LIST,
                 "Headers that are taken away: Server, X-Powered-By.", .max = 32,
                 .element = &name_element),
    {0},
};

static const struct schema spec_schema = {
    .name = "SecurityHeaders",
    .doc = "Headers that make browsers careful. Left empty, answers get "
           "Strict-Transport-Security (over HTTPS), X-Content-Type-Options, X-Frame-Options and "
           "Referrer-Policy.",
    .size = sizeof(struct security_headers_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

enum { HEADERS_MAX = 11 };

struct conf {
    struct header headers[HEADERS_MAX]; /* the first is for HTTPS alone, if has_hsts */
    uint32_t count;
    bool has_hsts, overrides;
    const struct slice *remove; /* lower case */
    uint32_t remove_count;
};

static void put(struct conf *c, const char *name, struct slice value)
{
    if (value.len)
        c->headers[c->count++] = (struct header){.name = slice_from_cstr(name), .value = value};
}

/* "None" is the first of each. */
static void put_choice(struct conf *c, const char *name, const char *const *choices, int chosen)
{
    if (chosen > 0)
        put(c, name, slice_from_cstr(choices[chosen]));
}

static enum err prepare_hsts(const struct filter_build *b, const struct hsts_spec *s,
                             struct conf *c)
{
    int64_t seconds = s->max_age;
    if (s->off)
        return ERR_OK;
    if (s->preload && (seconds < 31536000 || !s->subdomains))
        return filter_refuse(b, "strictTransportSecurity.preload: lists take a name only with "
                                "includeSubDomains and a maxAgeSeconds of at least "
                                "31536000");
    c->has_hsts = true;
    put(c, "strict-transport-security",
        arena_printf(b->arena, "max-age=%" PRId64 "%s%s", seconds,
                     s->subdomains ? "; includeSubDomains" : "", s->preload ? "; preload" : ""));
    return ERR_OK;
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct security_headers_spec *s = spec;
    struct conf *c = conf;
    struct slice *names = arena_zalloc(b->arena, (s->remove.count + 1) * sizeof(*names));
    c->overrides = s->overrides;
    c->remove = names;
    for (SCHEMA_EACH(s->remove, struct slice, name))
        names[c->remove_count++] = arena_copy_lower(b->arena, *name);
    enum err e = prepare_hsts(b, &s->hsts, c);
    put(c, "x-content-type-options", s->nosniff ? SLICE("nosniff") : SLICE(""));
    put_choice(c, "x-frame-options", frames, s->frame);
    put_choice(c, "x-xss-protection", xss_values, s->xss);
    put_choice(c, "referrer-policy", referrers, s->referrer);
    put(c, "content-security-policy", s->csp);
    put(c, "content-security-policy-report-only", s->csp_report_only);
    put(c, "permissions-policy", s->permissions);
    put_choice(c, "cross-origin-opener-policy", openers, s->opener);
    put_choice(c, "cross-origin-embedder-policy", embedders, s->embedder);
    put_choice(c, "cross-origin-resource-policy", resources, s->resource);
    return e;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    struct slice text = SLICE("responses get");
    (void)prefix;
    for (uint32_t i = 0; i < c->count; i++)
        text = arena_printf(arena, "%.*s%s %.*s", SLICE_ARG(text), i ? "," : "",
                            SLICE_ARG(c->headers[i].name));
    for (uint32_t i = 0; i < c->remove_count; i++)
        text = arena_printf(arena, "%.*s%s %.*s", SLICE_ARG(text), i ? "," : "; without",
                            SLICE_ARG(c->remove[i]));
    return text;
}

/* ---- hooks ---- */

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct headers *h = &x->response->headers;
    bool is_https = slice_eq_cstr(x->request->scheme, "https") || x->downstream->is_tls;
    (void)ctx;
    for (uint32_t i = 0; i < c->remove_count; i++) {
        headers_remove(h, c->remove[i]);
    }
    for (uint32_t i = c->has_hsts && !is_https ? 1 : 0; i < c->count; i++)
        if (c->overrides || !headers_find(h, c->headers[i].name))
            headers_set(h, c->headers[i].name, c->headers[i].value);
    return FILTER_NEXT;
}

const struct filter filter_security_headers = {
    .name = "securityHeaders",
    .doc = "Adds the headers by which browsers protect a site to every response.",
    .phase = FILTER_PHASE_CORS,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_response = on_response,
    .sees_every_answer = true,
    .describe = describe,
    .is_pure = true,
};
