/* From an accepted connection to what serves it: original destination, whose protocol, mutual TLS
 * or not, HTTP/1, HTTP/2 or opaque. Everything here is about the connection; requests are the
 * exchanges' business. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/session.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/sniff.h"
#include "lib/io/tcp.h"
#include "lib/net/http_server.h"
#include "lib/net/tls_stream.h"
#include "sidecar/exchange_run.h"
#include "sidecar/session_admit.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/tunnel.h"

#define SESSION_MAGIC 0x53657373u
#define EARLY_MAX (32u * 1024)
#define DECIDE_MS 10000 /* a client that has begun to speak must get to the point */
#define IDLE_MS 3600000 /* of a declared HTTP connection before its first byte */

#define TCP WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP
#define TLS WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TLS

/* ---- ends ---- */

static void destroy_buried(struct loop_task *task)
{
    struct session *s = container_of(task, struct session, grave);
    struct worker *w = s->worker;
    buf_dispose(&s->early);
    mem_free(s->xfcc);
    mem_free(s->peer_principal);
    mem_free(s->party_texts);
    s->magic = 0;
    mem_free(s);
    worker_session_gone(w);
}

/* Buried when nothing of it lives any more. */
static void end_if_over(struct session *s)
{
    if (s->transport || s->server || s->tunnel || !list_is_empty(&s->exchanges) ||
        !list_is_linked(&s->node))
        return;
    timer_stop(&s->timer);
    list_unlink(&s->node);
    loop_bury(s->worker->loop, &s->grave);
}

void session_exchange_ended(struct session *s)
{
    end_if_over(s);
}

void session_tunnel_ended(struct session *s)
{
    s->tunnel = NULL;
    end_if_over(s);
}

/* While still deciding. */
static void drop_transport(struct session *s)
{
    if (s->tunnel) { /* a probe */
        tunnel_close(s->tunnel);
        s->tunnel = NULL;
    }
    if (s->transport) {
        stream_close(s->transport);
        s->transport = NULL;
    }
    end_if_over(s);
}

static void refuse(struct session *s, const char *why)
{
    char peer[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
    LOG_W("session", "%s -> %s: refused: %s", addr_format(&s->info.peer, peer),
          addr_format(&s->info.original_dst, to), why);
    metrics_count_refused(s->worker->metrics);
    drop_transport(s);
}

void session_close(struct session *s)
{
    if (s->server)
        http_server_close(s->server);
    else if (s->tunnel && !s->transport)
        tunnel_close(s->tunnel);
    else
        drop_transport(s);
}

void session_drain(struct session *s)
{
    if (s->server)
        http_server_drain(s->server);
    else if (s->transport)
        drop_transport(s);
}

/* ---- HTTP ---- */

static struct http_stream *on_stream(struct http_server *server)
{
    return exchange_create(http_server_owner(server));
}

static void on_server_closed(struct http_server *server, enum err why, const char *detail)
{
    struct session *s = http_server_owner(server);
    s->server = NULL;
    if (why != ERR_OK && why != ERR_EOF && why != ERR_CLOSED && why != ERR_RESET) {
        char peer[ADDR_TEXT_MAX];
        LOG_I("session", "%s: connection ended: %s", addr_format(&s->info.peer, peer),
              detail ? detail : err_text(why));
    }
    end_if_over(s);
}

static void on_bad_request(struct http_server *server, unsigned status, const char *reason)
{
    struct session *s = http_server_owner(server);
    char peer[ADDR_TEXT_MAX];
    LOG_I("session", "%s: bad request, answered %u: %s", addr_format(&s->info.peer, peer), status,
          reason);
    metrics_count_bad_request(s->worker->metrics);
}

static const struct http_server_events server_events = {
    .on_stream = on_stream, .on_closed = on_server_closed, .on_bad_request = on_bad_request};

static const struct http_server_config *server_config(const struct session *s)
{
    const struct settings *settings = s->worker->settings;
    switch (s->info.direction) {
    case DIRECTION_INBOUND:
        return s->is_mesh ? &settings->server_mesh : &settings->server_inbound;
    case DIRECTION_INGRESS:
        return s->info.is_tls ? &settings->server_ingress_tls : &settings->server_ingress;
    case DIRECTION_OUTBOUND:
        break;
    }
    return &settings->server_outbound;
}

static void serve_http(struct session *s, enum http_protocol protocol)
{
    struct stream *transport = s->transport;
    timer_stop(&s->timer);
    if (s->tunnel) { /* the probe was wrong */
        tunnel_close(s->tunnel);
        s->tunnel = NULL;
    }
    s->transport = NULL;
    s->server =
        http_server_create(transport, protocol, server_config(s), &server_events, s, &s->early);
    if (s->worker->is_draining)
        http_server_drain(s->server);
}

/* ---- opaque ---- */

static void serve_opaque(struct session *s)
{
    char why[128];
    timer_stop(&s->timer);
    if (!session_admit_opaque(s, why)) {
        refuse(s, why);
        return;
    }
    if (s->tunnel) {
        tunnel_commit(s->tunnel);
        return;
    }
    struct cluster *cluster = session_cluster(s);
    if (!cluster) {
        refuse(s, "the destination has no backend");
        return;
    }
    s->tunnel = tunnel_open(s, cluster, false);
    end_if_over(s);
}

void session_probe_spoke(struct session *s)
{
    serve_opaque(s);
}

void session_probe_failed(struct session *s)
{
    struct tunnel *probe = s->tunnel;
    s->tunnel = NULL;
    tunnel_close(probe);
    if (s->has_eof)
        drop_transport(s);
}

/* What the client speaks cannot be told, or not in time. Where nobody said that it must be HTTP, it
 * is something else. */
static void give_up_deciding(struct session *s)
{
    if (session_is_declared_http(s))
        refuse(s, "the port is declared to be HTTP and what the client speaks cannot be told");
    else
        serve_opaque(s);
}

/* How long a connection may say nothing before its first byte, as between requests. */
static uint32_t idle_ms(const struct session *s)
{
    uint32_t limit_ms = server_config(s)->idle_timeout_ms;
    return limit_ms ? limit_ms : IDLE_MS;
}

/* The client has said nothing, or not enough. On a port whose protocol nobody declared perhaps the
 * server speaks first. */
static void on_silence(struct timer *t)
{
    struct session *s = container_of(t, struct session, timer);
    if (s->early.len > 0) {
        give_up_deciding(s);
        return;
    }
    if (session_is_declared_http(s) || s->is_probed) {
        drop_transport(s);
        return;
    }
    char why[128];
    s->is_probed = true;
    timer_start(&s->timer, idle_ms(s));
    /* Whom the answer could not be given to, for that one the app is not asked. */
    struct cluster *cluster = session_admit_opaque(s, why) ? session_cluster(s) : NULL;
    if (cluster)
        s->tunnel = tunnel_open(s, cluster, true);
}

/* ---- mutual TLS ---- */

static void remember_peer(struct session *s, const struct stream_info *info)
{
    s->info.is_tls = true;
    s->info.sni = info->sni;
    if (!info->tls_peer)
        return;
    s->peer = *info->tls_peer;
    s->info.tls_peer = &s->peer;
    session_describe_peer(s);
}

static void on_tls_open(struct stream *transport)
{
    struct session *s = transport->owner;
    struct stream_info info = {0};
    stream_info(transport, &info);
    remember_peer(s, &info);
    metrics_count_handshake(s->worker->metrics, true);
    if (s->info.direction == DIRECTION_INGRESS) {
        serve_http(s, slice_eq(info.alpn, SLICE("h2")) ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
        return;
    }
    s->is_mesh = s->info.tls_peer != NULL;
    if (!s->is_mesh)
        refuse(s, "the peer showed no identity");
    else if (slice_eq(info.alpn, slice_from_cstr(mesh_alpn_names[MESH_ALPN_H2])))
        serve_http(s, HTTP_PROTOCOL_2);
    else if (slice_eq(info.alpn, slice_from_cstr(mesh_alpn_names[MESH_ALPN_H1])))
        serve_http(s, HTTP_PROTOCOL_1);
    else
        serve_opaque(s);
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
    drop_transport(s);
}

static void on_tls_eof(struct stream *transport)
{
    drop_transport(transport->owner);
}

static const struct stream_events tls_events = {
    .on_open = on_tls_open, .on_eof = on_tls_eof, .on_fail = on_tls_fail};

static void accept_tls(struct session *s, struct tls_ctx *ctx)
{
    struct tls_stream_options options = {0};
    timer_stop(&s->timer);
    s->transport = tls_stream_create(s->transport, ctx, &options, &s->early, &tls_events, s);
}

/* ---- deciding ---- */

static void decide_tls(struct session *s, const struct sniff_hello *hello)
{
    bool ours = s->info.direction == DIRECTION_INBOUND && session_offers_mesh(s, hello);
    if (ours && !s->worker->identity)
        refuse(s, "mutual TLS is wanted and this workload has no certificate yet");
    else if (ours)
        accept_tls(s, s->worker->identity->server);
    else if (session_is_declared_http(s))
        refuse(s, "the port is declared to be HTTP and the client speaks TLS");
    else
        serve_opaque(s);
}

static void decide(struct session *s)
{
    uint8_t gathered[EARLY_MAX];
    struct slice front = buf_front(&s->early);
    if (front.len < s->early.len) {
        size_t len = s->early.len < EARLY_MAX ? s->early.len : EARLY_MAX;
        buf_copy_out(&s->early, gathered, len);
        front = slice_of(gathered, len);
    }
    struct sniff_hello hello;
    enum sniff_result result = sniff_bytes((const uint8_t *)front.ptr, front.len, &hello);
    if (result == SNIFF_MORE && s->has_eof)
        result = SNIFF_OPAQUE;
    switch (result) {
    case SNIFF_MORE:
        if (s->early.len >= EARLY_MAX)
            give_up_deciding(s);
        break;
    case SNIFF_TLS:
        decide_tls(s, &hello);
        break;
    case SNIFF_H1:
        serve_http(s, HTTP_PROTOCOL_1);
        break;
    case SNIFF_H2:
        serve_http(s, HTTP_PROTOCOL_2);
        break;
    case SNIFF_OPAQUE:
        if (!session_is_declared_http(s))
            serve_opaque(s);
        else if (s->has_eof)
            refuse(s, "the port is declared to be HTTP and the client spoke something else");
        else
            serve_http(s, HTTP_PROTOCOL_1); /* which says what is wrong with it */
        break;
    }
}

static void on_data(struct stream *transport, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct session *s = transport->owner;
    /* From its first byte on, and not moved by those that follow. */
    if (s->early.len == 0)
        timer_start(&s->timer, DECIDE_MS);
    buf_append_shared(&s->early, owner, data, len);
    decide(s);
}

static void on_eof(struct stream *transport)
{
    struct session *s = transport->owner;
    s->has_eof = true;
    if (s->early.len > 0)
        decide(s);
    else if (session_is_declared_http(s))
        drop_transport(s);
    else
        serve_opaque(s); /* some protocols ask by closing */
}

static void on_fail(struct stream *transport, enum err why)
{
    (void)why;
    drop_transport(transport->owner);
}

static const struct stream_events deciding_events = {
    .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

/* ---- beginnings ---- */

static void begin_sniffing(struct session *s)
{
    bool may_be_opaque = !session_is_declared_http(s);
    timer_start(&s->timer, may_be_opaque ? s->worker->settings->silence_ms : idle_ms(s));
    stream_read_start(s->transport);
}

static void begin_outbound(struct session *s)
{
    struct addr *dst = &s->info.original_dst;
    s->is_explicit = tcp_original_dst(s->transport, dst) != ERR_OK || addr_eq(dst, &s->info.local);
    if (s->is_explicit)
        *dst = s->info.local;
    if (s->is_explicit && !addr_is_loopback(&s->info.peer)) {
        refuse(s, "only the app in this pod may use the outbound listener");
        return;
    }
    s->protocol = session_outbound_protocol(s);
    if (s->protocol == TCP || s->protocol == TLS)
        serve_opaque(s);
    else
        begin_sniffing(s);
}

static void begin_inbound(struct session *s)
{
    struct addr *dst = &s->info.original_dst;
    bool redirected =
        tcp_original_dst(s->transport, dst) == ERR_OK && !addr_eq(dst, &s->info.local);
    const struct addr *forward = &s->worker->settings->inbound_forward;
    if (!redirected && !forward->family) {
        *dst = s->info.local;
        refuse(s, "it was not redirected here, so where it wants to go is not known");
        return;
    }
    if (!redirected)
        *dst = *forward;
    /* Else a stranger could use the outbound listener by way of the inbound one. */
    if (redirected && (dst->port == s->worker->settings->outbound_port ||
                       dst->port == s->worker->settings->inbound_port)) {
        refuse(s, "that port is the sidecar's own");
        return;
    }
    s->protocol = session_inbound_protocol(s);
    /* Even a declared opaque port may be reached over the mesh: the first bytes tell. */
    begin_sniffing(s);
}

static void begin_ingress(struct session *s)
{
    const struct gateway_conf *gateway =
        snapshot_gateway(worker_snapshot(s->worker), s->gateway_port);
    s->info.original_dst = s->info.local;
    if (!gateway)
        refuse(s, "no gateway listens on this port any more");
    else if (gateway->tls)
        accept_tls(s, gateway->tls);
    else {
        s->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP;
        begin_sniffing(s);
    }
}

void session_open(struct worker *w, struct stream *accepted, enum direction direction,
                  uint16_t gateway_port)
{
    struct session *s = mem_zalloc(sizeof(*s));
    struct stream_info info = {0};
    s->magic = SESSION_MAGIC;
    s->worker = w;
    s->transport = accepted;
    s->gateway_port = gateway_port;
    s->opened_ns = loop_now_ns(w->loop);
    list_link_last(&w->sessions, &s->node);
    list_init(&s->exchanges);
    loop_task_init(&s->grave, destroy_buried);
    timer_init(&s->timer, w->loop, on_silence);
    stream_info(accepted, &info);
    s->info =
        (struct downstream_info){.direction = direction, .peer = info.peer, .local = info.local};
    stream_use(accepted, &deciding_events, s);
    w->session_count++;
    switch (direction) {
    case DIRECTION_OUTBOUND:
        begin_outbound(s);
        break;
    case DIRECTION_INBOUND:
        begin_inbound(s);
        break;
    case DIRECTION_INGRESS:
        begin_ingress(s);
        break;
    }
}

void session_judge(struct session *s)
{
    char why[128];
    if (s->tunnel && !s->transport && !session_admit_opaque(s, why))
        session_close(s);
}
