/* redirect: the client is told where to go instead, as the Gateway API's RequestRedirect says. It
 * always answers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "filters/route_filters.h"
#include "lib/codec/http/host.h"
#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

static const char *const schemes[] = {"http", "https", NULL};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct redirect_spec, scheme, "scheme", ENUM,
                 "Scheme to go to; the request's when left out.", .choices = schemes,
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct redirect_spec, hostname, "hostname", STRING,
                 "Host to go to; the request's when left out.",
                 .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct redirect_spec, path, "path", OBJECT,
                 "Path to go to; the request's when left out.", .object = &path_modifier_schema),
    SCHEMA_FIELD(struct redirect_spec, port, "port", INT,
                 "Port to go to; the scheme's or the listener's when left out.", .min = 1,
                 .max = 65535),
    SCHEMA_FIELD(struct redirect_spec, status, "statusCode", INT,
                 "301, 302, 303, 307 or 308.", .min = 301, .max = 308, .fallback = 302),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct redirect_spec *r = value;
    if (r->status > 303 && r->status < 307)
        schema_error(run, node, "statusCode", "is %d, must be 301, 302, 303, 307 or 308",
                     (int)r->status);
}

const struct schema redirect_schema = {
    .name = "HTTPRequestRedirectFilter",
    .doc = "Answers with a redirect.",
    .size = sizeof(struct redirect_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct conf {
    struct slice scheme;   /* empty: the request's */
    struct slice hostname; /* empty: the request's */
    uint16_t port; /* 0: the scheme's own when scheme is given, else the listener's */
    uint16_t status;
    struct path_modifier path;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct redirect_spec *s = spec;
    struct conf *c = conf;
    *c = (struct conf){
        .hostname = s->hostname,
        .port = (uint16_t)s->port,
        .status = (uint16_t)s->status,
        .path = path_modifier_of(s->path),
    };
    (void)b;
    if (s->scheme != SCHEMA_UNSET)
        c->scheme = slice_from_cstr(schemes[s->scheme]);
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    struct slice text = arena_printf(arena, "redirect with %u", c->status);
    if (c->scheme.len)
        text = arena_printf(arena, "%.*s to scheme %.*s", SLICE_ARG(text), SLICE_ARG(c->scheme));
    if (c->hostname.len)
        text = arena_printf(arena, "%.*s to host %.*s", SLICE_ARG(text), SLICE_ARG(c->hostname));
    if (c->port)
        text = arena_printf(arena, "%.*s to port %u", SLICE_ARG(text), c->port);
    struct slice path = path_modifier_describe(arena, &c->path, prefix);
    return arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(text), path.len ? " to" : "",
                        SLICE_ARG(path));
}

/* ---- hooks ---- */

static struct slice scheme_of(const struct conf *c, struct filter_exchange *x)
{
    if (c->scheme.len)
        return c->scheme;
    const struct message *request = x->request;
    if (request->scheme.len)
        return request->scheme;
    return x->downstream->is_tls ? SLICE("https") : SLICE("http");
}

static uint16_t well_known_port(struct slice scheme)
{
    if (slice_eq(scheme, SLICE("http")))
        return 80;
    return slice_eq(scheme, SLICE("https")) ? 443 : 0;
}

/* 0: not to be shown. A new scheme brings its own port, and so does one that a proxy in front of us
 * was asked with; else it is the listener's. */
static uint16_t port_of(const struct conf *c, struct slice scheme, const struct filter_exchange *x)
{
    uint16_t own = well_known_port(scheme), port = c->port;
    bool is_ours = !c->scheme.len && slice_eq(scheme, SLICE("https")) == x->downstream->is_tls;
    if (!port)
        port = !is_ours && own ? own : x->listener_port;
    return port == own ? 0 : port;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct arena *arena = x->arena;
    struct slice scheme = scheme_of(c, x), host = c->hostname;
    (void)ctx;
    if (!host.len)
        host = host_of_authority(x->request->authority);
    if (!host.len) {
        x->host->fail(x, fail_info(FAIL_BAD_REQUEST), SLICE("a redirect needs a Host header"));
        return FILTER_REPLY;
    }
    struct slice path = path_modifier_apply(&c->path, x, x->original_path);
    uint16_t port = port_of(c, scheme, x);
    char port_text[8] = "";
    if (port)
        snprintf(port_text, sizeof(port_text), ":%u", (unsigned)port);
    struct slice location = arena_printf(arena, "%.*s://%.*s%s%.*s", SLICE_ARG(scheme),
                                         SLICE_ARG(host), port_text, SLICE_ARG(path));
    struct message *reply = x->host->reply(x, c->status, SLICE(""));
    headers_add_id(&reply->headers, HEADER_LOCATION, location);
    return FILTER_REPLY;
}

const struct filter filter_redirect = {
    .name = "redirect",
    .doc = "Answers with a redirect.",
    .phase = FILTER_PHASE_ANSWER,
    .spec = &redirect_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .is_pure = true,
};
