/* What a connection is, told by its first bytes or its silence: TLS, HTTP/1, HTTP/2 or something
 * else; and TLS that ends here. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/log.h"
#include "lib/codec/http/sniff.h"
#include "lib/net/tls_stream.h"
#include "sidecar/session/session_ask.h"
#include "sidecar/session/session_priv.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/session/tunnel.h"

#define IDLE_MS 3600000 /* of a declared HTTP connection before its first byte */

/* What the client speaks cannot be told, or not in time. Where nobody said that it must be HTTP, it
 * is something else. */
static void give_up_deciding(struct session *s)
{
    if (session_is_declared_http(s))
        session_refuse(s,
                       "the port is declared to be HTTP and what the client speaks cannot be told");
    else
        session_serve_opaque(s);
}

/* How long a connection may say nothing before its first byte, as between requests. */
static uint32_t idle_ms(const struct session *s)
{
    uint32_t limit_ms = s->side->server_config(s)->idle_timeout_ms;
    if (s->side->faces_strangers)
        limit_ms = (uint32_t)session_client_conf(s)->connection.timeouts.idle;
    return limit_ms ? limit_ms : IDLE_MS;
}

/* The client has said nothing, or not enough. On a port whose protocol nobody declared perhaps the
 * server speaks first. */
static void on_silence(struct timer *t)
{
    struct session *s = container_of(t, struct session, timer);
    if (session_ask_is_parked(s)) {
        session_ask_expired(s);
        return;
    }
    if (s->early.len > 0) {
        give_up_deciding(s);
        return;
    }
    if (session_is_declared_http(s) || s->is_probed || s->is_direct) {
        session_drop(s);
        return;
    }
    char why[128];
    s->is_probed = true;
    timer_start(&s->timer, idle_ms(s));
    /* Whom the answer could not be given to, for that one the app is not asked. */
    struct cluster *cluster = session_admits_opaque(s, why) ? s->side->cluster(s) : NULL;
    if (cluster)
        s->tunnel = tunnel_open(s, cluster, true);
}

/* ---- TLS that ends here ---- */

static void remember_peer(struct session *s, const struct stream_info *info)
{
    s->info.is_tls = true;
    if (!s->sni)
        s->info.sni = info->sni;
    if (!info->tls_peer)
        return;
    s->peer = *info->tls_peer;
    s->side->describe_peer(s);
}

static void on_tls_open(struct stream *transport)
{
    struct session *s = transport->owner;
    char why[TLS_DETAIL_MAX];
    struct stream_info info = {0};
    stream_info(transport, &info);
    remember_peer(s, &info);
    metrics_count_handshake(s->worker->metrics, true);
    /* The roots may have changed since the handshake began. */
    if (!session_is_trusted(s, why)) {
        session_refuse(s, why);
        return;
    }
    s->side->take_tls(s, &info);
}

static void on_tls_fail(struct stream *transport, enum err why)
{
    struct session *s = transport->owner;
    struct stream_info info = {0};
    stream_info(transport, &info);
    char peer[ADDR_TEXT_MAX];
    LOG_W("session", "%s: TLS handshake failed: %s", addr_format(&s->info.peer, peer),
          info.fail_detail ? info.fail_detail : err_text(why));
    metrics_count_handshake_failure(s->worker->metrics, why);
    session_drop(s);
}

static void on_tls_eof(struct stream *transport)
{
    session_drop(transport->owner);
}

static const struct stream_events tls_events = {
    .on_open = on_tls_open, .on_eof = on_tls_eof, .on_fail = on_tls_fail};

void session_accept_tls(struct session *s, struct tls_ctx *ctx)
{
    struct tls_stream_options options = {0};
    timer_stop(&s->timer);
    s->transport = tls_stream_create(s->transport, ctx, &options, &s->early, &tls_events, s);
}

/* ---- deciding ---- */

enum sniff_result session_sniff(const struct session *s, struct sniff_hello *hello)
{
    uint8_t gathered[SESSION_EARLY_MAX];
    struct slice front = buf_front(&s->early);
    if (front.len < s->early.len) {
        size_t len = s->early.len < SESSION_EARLY_MAX ? s->early.len : SESSION_EARLY_MAX;
        buf_copy_out(&s->early, gathered, len);
        front = slice_of(gathered, len);
    }
    return sniff_bytes((const uint8_t *)front.ptr, front.len, hello);
}

static void decide(struct session *s)
{
    struct sniff_hello hello;
    enum sniff_result result = session_sniff(s, &hello);
    if (result == SNIFF_MORE && s->has_eof)
        result = SNIFF_OPAQUE;
    if (s->is_direct && result != SNIFF_MORE && result != SNIFF_TLS) {
        session_refuse(s, SESSION_NOT_REDIRECTED);
        return;
    }
    switch (result) {
    case SNIFF_MORE:
        if (s->early.len >= SESSION_EARLY_MAX)
            give_up_deciding(s);
        break;
    case SNIFF_TLS:
        s->side->take_hello(s, &hello);
        break;
    case SNIFF_H1:
        session_serve_http(s, HTTP_PROTOCOL_1);
        break;
    case SNIFF_H2:
        session_serve_http(s, HTTP_PROTOCOL_2);
        break;
    case SNIFF_OPAQUE:
        if (!session_is_declared_http(s))
            session_serve_opaque(s);
        else if (s->has_eof)
            session_refuse(s,
                           "the port is declared to be HTTP and the client spoke something else");
        else
            session_serve_http(s, HTTP_PROTOCOL_1); /* which says what is wrong with it */
        break;
    }
}

/* A gateway's listener says how long a head may take, of which this is the beginning. */
static uint64_t decide_ms(const struct session *s)
{
    if (!s->side->faces_strangers)
        return SESSION_DECIDE_MS;
    return (uint64_t)session_client_conf(s)->connection.timeouts.request_head;
}

/* Who has begun to speak must get to the point, counted from its first byte. Where it need not be
 * HTTP, a pause is enough to call it something else: a client that waits for an answer to what it
 * has said so far is not to wait for us. What can only be a TLS hello is waited for. */
static void time_opening(struct session *s)
{
    uint64_t now = loop_now_ms(s->worker->loop);
    if (!s->decide_by_ms)
        s->decide_by_ms = now + decide_ms(s);
    uint64_t left = s->decide_by_ms > now ? s->decide_by_ms - now : 0;
    uint64_t pause = s->worker->settings->silence_ms;
    bool is_hello = session_sniff(s, NULL) == SNIFF_TLS;
    if (!session_is_declared_http(s) && !s->is_direct && !is_hello && pause < left)
        left = pause;
    timer_start(&s->timer, left);
}

static void look(struct session *s)
{
    struct stream *transport = s->transport;
    decide(s);
    if (s->transport == transport) /* not decided */
        time_opening(s);
}

static void on_data(struct stream *transport, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct session *s = transport->owner;
    buf_append_shared(&s->early, owner, data, len);
    look(s);
}

static void on_eof(struct stream *transport)
{
    struct session *s = transport->owner;
    s->has_eof = true;
    if (s->early.len > 0)
        decide(s);
    else if (session_is_declared_http(s))
        session_drop(s);
    else
        session_serve_opaque(s); /* some protocols ask by closing */
}

static void on_fail(struct stream *transport, enum err why)
{
    (void)why;
    session_drop(transport->owner);
}

static const struct stream_events deciding_events = {
    .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

/* ---- beginnings ---- */

bool session_is_declared_http(const struct session *s)
{
    switch (s->protocol) {
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP:
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1:
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2:
        return true;
    default:
        return false;
    }
}

void session_detect(struct session *s)
{
    bool may_be_opaque = !session_is_declared_http(s);
    timer_start(&s->timer, may_be_opaque ? s->worker->settings->silence_ms : idle_ms(s));
    stream_read_start(s->transport);
    if (s->early.len) /* what came behind a PROXY header */
        look(s);
}

void session_begin(struct session *s)
{
    timer_init(&s->timer, s->worker->loop, on_silence);
    stream_use(s->transport, &deciding_events, s);
    s->side->begin(s);
}
