/* The redirect filter: it always answers.
 * Worker thread. Must not know of routes or clusters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/redirect.h"

#include <stdio.h>

#include "lib/codec/http/host.h"

static struct slice scheme_of(const struct redirect_conf *c, struct filter_exchange *x)
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
static uint16_t port_of(const struct redirect_conf *c, struct slice scheme, bool is_tls)
{
    uint16_t own = well_known_port(scheme), port = c->port;
    bool is_ours = !c->scheme.len && slice_eq(scheme, SLICE("https")) == is_tls;
    if (!port)
        port = !is_ours && own ? own : c->listener_port;
    return port == own ? 0 : port;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct redirect_conf *c = conf;
    struct arena *arena = x->arena;
    struct slice scheme = scheme_of(c, x), host = c->hostname;
    (void)ctx;
    if (!host.len)
        host = host_of_authority(x->request->authority);
    if (!host.len) {
        x->host->fail(x, fail_info(FAIL_BAD_REQUEST), SLICE("a redirect needs a Host header"));
        return FILTER_REPLY;
    }
    struct slice path =
        path_modifier_apply(&c->path, arena, x->original_path, x->match_path);
    uint16_t port = port_of(c, scheme, x->downstream->is_tls);
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
    .phase = FILTER_PHASE_ANSWER,
    .on_request = on_request,
};
