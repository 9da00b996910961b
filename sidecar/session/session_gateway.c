/* From a connection accepted at a gateway's port to what serves it: the listener that its TLS hello
 * names, TLS ended here or passed on, HTTP or bytes. Worker thread; knows nothing of requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/io/tcp.h"
#include "sidecar/route/listener_choice.h"
#include "sidecar/session/session_admit.h"
#include "sidecar/session/session_priv.h"

#define HTTPS WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS

/* ---- the hello ---- */

static void remember_name(struct session *s, struct slice name)
{
    s->sni = mem_strndup(name.ptr, name.len);
    s->info.sni = slice_of(s->sni, name.len);
}

static bool is_all_https(const struct gateway_conf *g)
{
    for (uint32_t i = 0; i < g->listener_count; i++)
        if (g->listeners[i].protocol != HTTPS)
            return false;
    return true;
}

/* It ends TLS, and its certificates are not there (a Secret that is lost or of no use). What
 * another listener has is not shown for it. */
static bool is_bare(const struct gateway_listener_conf *l)
{
    return !l->is_passthrough && !l->has_certificate;
}

/* A browser is told what was wrong (RFC 6066 §3: a fatal alert, unrecognized_name); what is not
 * for HTTP is reset, as if nobody listened. */
static void refuse_name(struct session *s, const struct gateway_conf *g, const char *why)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 112};
    if (!is_all_https(g)) {
        session_reset(s, why);
        return;
    }
    struct buf out;
    buf_init(&out);
    buf_append(&out, alert, sizeof(alert));
    stream_write(s->transport, &out);
    session_refuse_flushed(s, why);
}

static void choose(struct session *s, const struct gateway_conf *g, struct slice name)
{
    remember_name(s, name);
    const struct gateway_listener_conf *listener = listener_choice_by_name(g, name);
    timer_stop(&s->timer);
    if (!listener) {
        refuse_name(s, g, "no listener is for the name that the client asks for");
    } else if (is_bare(listener)) {
        refuse_name(s, g, "the listener for the name that the client asks for has no certificate");
    } else if (listener->protocol == HTTPS) {
        session_accept_tls(s, g->tls);
    } else if (listener->is_passthrough) {
        session_serve_opaque(s);
    } else if (!session_has_backend(s)) {
        session_reset(s, "the listener has no backend for this name");
    } else {
        s->is_bytes = true;
        session_accept_tls(s, g->tls_bytes);
    }
}

static void read_hello(struct session *s)
{
    struct sniff_hello hello;
    const struct gateway_conf *g = snapshot_gateway(worker_snapshot(s->worker), s->gateway_port);
    enum sniff_result result = session_sniff(s, &hello);
    if (!g || !g->by_name)
        session_refuse(s, "the listeners of this port have changed");
    else if (result == SNIFF_TLS && hello.complete)
        choose(s, g, hello.sni);
    else if (result != SNIFF_MORE || s->early.len >= SESSION_EARLY_MAX)
        session_refuse(s, "the port speaks TLS and the client does not");
}

static void on_data(struct stream *transport, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct session *s = transport->owner;
    buf_append_shared(&s->early, owner, data, len);
    read_hello(s);
}

static void on_eof(struct stream *transport)
{
    session_drop(transport->owner);
}

static void on_fail(struct stream *transport, enum err why)
{
    (void)why;
    session_drop(transport->owner);
}

static const struct stream_events hello_events = {
    .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

static void on_silence(struct timer *t)
{
    session_drop(container_of(t, struct session, timer));
}

static void await_hello(struct session *s)
{
    timer_init(&s->timer, s->worker->loop, on_silence);
    timer_start(&s->timer, SESSION_DECIDE_MS);
    stream_use(s->transport, &hello_events, s);
    stream_read_start(s->transport);
}

/* ---- the beginning ---- */

void session_gateway_begin(struct session *s)
{
    const struct gateway_conf *g = snapshot_gateway(worker_snapshot(s->worker), s->gateway_port);
    s->info.original_dst = s->info.local;
    if (!g) {
        session_refuse(s, "no gateway listens on this port any more");
        return;
    }
    switch (g->protocol) {
    case WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TCP:
        session_serve_opaque(s);
        break;
    case WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS:
    case WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS:
        if (g->by_name)
            await_hello(s);
        else if (g->tls)
            session_accept_tls(s, g->tls);
        else
            session_refuse(s, "the port has no listener");
        break;
    default:
        session_await_http(s);
        break;
    }
}
