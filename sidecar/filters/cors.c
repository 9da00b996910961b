/* The CORS filter. What the app itself says of CORS is replaced: two answers to one question would
 * be none for a browser. Worker thread. Must not know of routes or clusters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/cors.h"

#include "lib/codec/http/preflight.h"

#define ALLOW_ORIGIN SLICE("access-control-allow-origin")
#define ALLOW_CREDENTIALS SLICE("access-control-allow-credentials")
#define ALLOW_METHODS SLICE("access-control-allow-methods")
#define ALLOW_HEADERS SLICE("access-control-allow-headers")
#define EXPOSE_HEADERS SLICE("access-control-expose-headers")
#define MAX_AGE SLICE("access-control-max-age")
#define REQUEST_HEADERS SLICE("access-control-request-headers")

enum { ORIGIN_MAX = 300 }; /* scheme, host and port; longer ones are nobody's */

struct cors_ctx {
    bool was_asked;      /* on_request had its turn */
    struct slice origin; /* empty: the request is not about CORS */
    bool is_preflight;   /* and is answered */
};

/* ---- origins ---- */

/* Lower-case, without its scheme's own port. */
static struct slice canonical(struct slice origin, char to[ORIGIN_MAX])
{
    if (origin.len > ORIGIN_MAX)
        return (struct slice){to, 0};
    for (size_t i = 0; i < origin.len; i++) {
        char c = origin.ptr[i];
        to[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    struct slice s = {to, origin.len};
    if (slice_starts_with(s, SLICE("https://")) && slice_ends_with(s, SLICE(":443")))
        s.len -= 4;
    else if (slice_starts_with(s, SLICE("http://")) && slice_ends_with(s, SLICE(":80")))
        s.len -= 3;
    return s;
}

/* What a '*' may stand for: labels of a host name, and nothing that ends one. */
static bool is_labels(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool fine =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (!fine)
            return false;
    }
    return s.len > 0;
}

static bool matches(const struct cors_origin *o, struct slice origin)
{
    if (!o->is_wildcard)
        return slice_eq(o->before, origin);
    size_t fixed = o->before.len + o->after.len;
    return origin.len > fixed && slice_starts_with(origin, o->before) &&
           slice_ends_with(origin, o->after) &&
           is_labels(slice_sub(origin, o->before.len, origin.len - fixed));
}

bool cors_allows(const struct cors_conf *c, struct slice origin)
{
    char text[ORIGIN_MAX];
    if (c->any_origin)
        return origin.len > 0;
    struct slice wanted = canonical(origin, text);
    for (uint32_t i = 0; wanted.len && i < c->origin_count; i++)
        if (matches(&c->origins[i], wanted))
            return true;
    return false;
}

/* ---- answers ---- */

static void set(struct message *m, struct slice name, struct slice value)
{
    if (value.len)
        headers_set(&m->headers, name, value);
}

/* Caches must not show one origin what another got. */
static void vary(struct message *m, const struct cors_conf *c)
{
    if (!c->any_origin || c->credentials)
        headers_add_id(&m->headers, HEADER_VARY, SLICE("origin"));
}

static void allow(struct message *m, const struct cors_conf *c, struct slice origin)
{
    bool anyone = c->any_origin && !c->credentials;
    set(m, ALLOW_ORIGIN, anyone ? SLICE("*") : origin);
    set(m, ALLOW_CREDENTIALS, c->credentials ? SLICE("true") : SLICE(""));
    set(m, EXPOSE_HEADERS, c->expose);
}

/* A wildcard is never sent as one: "*" means itself where credentials are, and it leaves out
 * `authorization`. So what is asked for is what is allowed. */
static void answer_preflight(struct filter_exchange *x, const struct cors_conf *c,
                             const struct preflight *asked)
{
    const struct header *names = headers_find(asked->head, REQUEST_HEADERS);
    bool allowed = cors_allows(c, asked->origin);
    struct message *m =
        x->host->reply(x, allowed ? 204 : 403,
                       allowed ? SLICE("") : SLICE("CORS: this origin is not allowed here\n"));
    vary(m, c);
    if (!allowed)
        return;
    allow(m, c, asked->origin);
    set(m, ALLOW_METHODS, c->any_method ? asked->method : c->methods);
    set(m, ALLOW_HEADERS, c->any_header && names ? names->value : c->headers);
    set(m, MAX_AGE, c->max_age);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct message *request = x->request;
    struct cors_ctx *own = ctx;
    struct preflight preflight;
    own->was_asked = true;
    own->origin = headers_get_id(&request->headers, HEADER_ORIGIN);
    own->is_preflight = preflight_read(&preflight, request);
    if (!own->is_preflight)
        return FILTER_NEXT;
    answer_preflight(x, conf, &preflight);
    return FILTER_REPLY;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct cors_conf *c = conf;
    struct cors_ctx *own = ctx;
    struct message *m = x->response;
    if (!own->was_asked)
        own->origin = headers_get_id(&x->request->headers, HEADER_ORIGIN);
    if (own->is_preflight)
        return FILTER_NEXT;
    vary(m, c);
    if (!own->origin.len)
        return FILTER_NEXT;
    headers_remove(&m->headers, ALLOW_ORIGIN);
    headers_remove(&m->headers, ALLOW_CREDENTIALS);
    headers_remove(&m->headers, EXPOSE_HEADERS);
    if (cors_allows(c, own->origin))
        allow(m, c, own->origin);
    return FILTER_NEXT;
}

const struct filter filter_cors = {
    .name = "cors",
    .phase = FILTER_PHASE_CORS,
    .ctx_size = sizeof(struct cors_ctx),
    .on_request = on_request,
    .on_response = on_response,
    .sees_every_answer = true,
};
