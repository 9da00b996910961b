/* The redirect filter: it always answers.
 * Worker thread. Must not know of routes or clusters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/redirect.h"

#include <stdio.h>

#include "sidecar/exchange.h"
#include "sidecar/route/host.h"

static struct slice scheme_of(const struct redirect_conf *c, struct exchange *ex)
{
    if (c->scheme.len)
        return c->scheme;
    const struct message *request = exchange_request(ex);
    if (request->scheme.len)
        return request->scheme;
    return exchange_downstream(ex)->is_tls ? SLICE("https") : SLICE("http");
}

static uint16_t well_known_port(struct slice scheme)
{
    if (slice_eq(scheme, SLICE("http")))
        return 80;
    return slice_eq(scheme, SLICE("https")) ? 443 : 0;
}

/* 0: not to be shown. A new scheme brings its own port, and so does one that a proxy in front of us
 * was asked with; else it is the listener's. */
static uint16_t port_of(const struct redirect_conf *c, struct slice scheme, bool is_tls)
{
    uint16_t own = well_known_port(scheme), port = c->port;
    bool is_ours = !c->scheme.len && slice_eq(scheme, SLICE("https")) == is_tls;
    if (!port)
        port = !is_ours && own ? own : c->listener_port;
    return port == own ? 0 : port;
}

static enum verdict on_request(struct exchange *ex, const void *conf, void *ctx)
{
    const struct redirect_conf *c = conf;
    struct arena *arena = exchange_arena(ex);
    struct slice scheme = scheme_of(c, ex), host = c->hostname;
    (void)ctx;
    if (!host.len)
        host = host_of_authority(exchange_request(ex)->authority);
    if (!host.len) {
        exchange_reply_fail(ex, FAIL_BAD_REQUEST, SLICE("a redirect needs a Host header"));
        return VERDICT_REPLY;
    }
    struct slice path =
        path_modifier_apply(&c->path, arena, exchange_original_path(ex), exchange_match_path(ex));
    uint16_t port = port_of(c, scheme, exchange_downstream(ex)->is_tls);
    char port_text[8] = "";
    if (port)
        snprintf(port_text, sizeof(port_text), ":%u", (unsigned)port);
    struct slice location = arena_printf(arena, "%.*s://%.*s%s%.*s", SLICE_ARG(scheme),
                                         SLICE_ARG(host), port_text, SLICE_ARG(path));
    struct message *reply = exchange_reply(ex, c->status, SLICE(""));
    headers_add_id(&reply->headers, HEADER_LOCATION, location);
    return VERDICT_REPLY;
}

const struct filter_ops redirect_ops = {
    .name = "redirect",
    .on_request = on_request,
};
