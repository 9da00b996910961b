/* One downstream connection from the accept to its burial: the HTTP server or the tunnel that
 * serves it, and the ends of each. What it is to be served by is session_detect's business;
 * requests are the exchanges'. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/session/session.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/tcp.h"
#include "lib/net/http_server.h"
#include "lib/net/tls_stream.h"
#include "lib/schema/schema_format.h"
#include "sidecar/config/client_head.h"
#include "sidecar/exchange/exchange_run.h"
#include "sidecar/telemetry/report.h"
#include "sidecar/session/session_ask.h"
#include "sidecar/session/session_priv.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/request.h"
#include "sidecar/session/tunnel.h"

#define SESSION_MAGIC 0x53657373u

/* ---- ends ---- */

static void destroy_buried(struct loop_task *task)
{
    struct session *s = container_of(task, struct session, grave);
    struct worker *w = s->worker;
    session_ask_dispose(s);
    buf_dispose(&s->early);
    mem_free((char *)s->xfcc.ptr);
    mem_free(s->peer_id);
    mem_free(s->party_workload);
    mem_free(s->sni);
    session_port_leave(s);
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
void session_drop(struct session *s)
{
    if (s->tunnel) { /* a probe */
        tunnel_close(s->tunnel);
        s->tunnel = NULL;
    }
    if (s->transport) {
        stream_close(s->transport);
        s->transport = NULL;
    }
    list_unlink(&s->parked);
    end_if_over(s);
}

static void note_refusal(struct session *s, const char *why)
{
    char peer[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
    LOG_W("session", "%s -> %s: refused: %s", addr_format(&s->info.peer, peer),
          addr_format(&s->info.original_dst, to), why);
    metrics_count_refused(s->worker->metrics);
}

void session_refuse(struct session *s, const char *why)
{
    note_refusal(s, why);
    session_drop(s);
}

void session_refuse_flushed(struct session *s, const char *why)
{
    note_refusal(s, why);
    stream_close_flushed(s->transport);
    s->transport = NULL;
    end_if_over(s);
}

void session_reset(struct session *s, const char *why)
{
    note_refusal(s, why);
    stream_close_reset(s->transport);
    s->transport = NULL;
    end_if_over(s);
}

void session_close(struct session *s)
{
    if (s->server)
        http_server_close(s->server);
    else if (s->tunnel && !s->transport)
        tunnel_close(s->tunnel);
    else
        session_drop(s);
}

bool session_is_draining(const struct session *s)
{
    const struct worker *w = s->worker;
    return s->side->drains_last ? w->is_draining_out : w->is_draining;
}

void session_drain(struct session *s)
{
    if (s->server)
        http_server_drain(s->server);
    else if (s->transport)
        session_drop(s);
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

static void on_bad_request(struct http_server *server, unsigned status, const char *reason,
                           char id[MESSAGE_REQUEST_ID_SIZE])
{
    struct session *s = http_server_owner(server);
    char peer[ADDR_TEXT_MAX];
    rand_uuid(&s->worker->rand, id);
    LOG_I("session", "%s: bad request, answered %u: %s (x-request-id: %s)",
          addr_format(&s->info.peer, peer), status, reason, id);
    metrics_count_bad_request(s->worker->metrics);
}

static const struct http_server_events server_events = {
    .on_stream = on_stream, .on_closed = on_server_closed, .on_bad_request = on_bad_request};

const struct client_conf *session_client_conf(const struct session *s)
{
    return snapshot_client_conf(worker_snapshot(s->worker), s->gateway_port, s->info.sni);
}

/* What a peer of the mesh adds to a head that was within the limits must not be too much for us. */
static void set_limits(struct session *s)
{
    const struct client_conf *conf = session_client_conf(s);
    const struct client_limits_conf *limits = &conf->limits;
    s->server_config = *s->side->server_config(s);
    s->server_config.is_terse =
        s->side->faces_strangers && !client_head_may_read_reasons(conf, NULL);
    s->server_config.max_target_bytes = limits->max_target_bytes;
    s->server_config.max_header_bytes =
        limits->max_header_bytes + (s->is_mesh ? MESH_HEADERS_BYTES_MAX : 0);
    s->server_config.max_header_count =
        limits->max_headers + (s->is_mesh ? MESH_HEADERS_COUNT_MAX : 0);
}

/* Clients of a sidecar that are not in the mesh are never asked. */
static void set_keepalive(struct session *s)
{
    const struct http2_keepalive_conf *k = &session_client_conf(s)->http2_keepalive;
    if (!k->is_said || (!s->is_mesh && !s->side->faces_strangers))
        return;
    s->server_config.ping_interval_ms = k->interval_ms;
    s->server_config.ping_timeout_ms = k->timeout_ms;
}

void session_serve_http(struct session *s, enum http_protocol protocol)
{
    struct stream *transport = s->transport;
    timer_stop(&s->timer);
    if (s->tunnel) { /* the probe was wrong */
        tunnel_close(s->tunnel);
        s->tunnel = NULL;
    }
    s->transport = NULL;
    set_limits(s);
    set_keepalive(s);
    session_port_limit(s);
    s->server =
        http_server_create(transport, protocol, &s->server_config, &server_events, s, &s->early);
    if (session_is_draining(s))
        http_server_drain(s->server);
}

/* ---- opaque ---- */

bool session_admits_opaque(const struct session *s, char why[128])
{
    return !s->side->admits_opaque || s->side->admits_opaque(s, why);
}

void session_serve_opaque(struct session *s)
{
    char why[128];
    timer_stop(&s->timer);
    if (!session_admits_opaque(s, why)) {
        session_refuse(s, why);
        return;
    }
    if (s->tunnel) {
        tunnel_commit(s->tunnel);
        return;
    }
    struct cluster *cluster = s->side->cluster(s);
    if (!cluster) {
        report_tunnel_opened(s, NULL);
        report_tunnel_closed(s, NULL, NULL, 0, 0, FAIL_NO_CLUSTER);
        session_reset(s, "the destination has no backend");
        return;
    }
    s->tunnel = tunnel_open(s, cluster, false);
    end_if_over(s);
}

void session_probe_spoke(struct session *s)
{
    session_serve_opaque(s);
}

void session_probe_failed(struct session *s)
{
    struct tunnel *probe = s->tunnel;
    s->tunnel = NULL;
    tunnel_close(probe);
    if (s->has_eof)
        session_drop(s);
}

void session_open(struct worker *w, struct stream *accepted, const struct side *side,
                  uint16_t gateway_port)
{
    struct session *s = mem_zalloc(sizeof(*s));
    struct stream_info info = {0};
    s->magic = SESSION_MAGIC;
    s->worker = w;
    s->side = side;
    s->transport = accepted;
    s->gateway_port = gateway_port;
    s->opened_ns = loop_now_ns(w->loop);
    list_link_last(&w->sessions, &s->node);
    list_init(&s->exchanges);
    list_init(&s->parked);
    loop_task_init(&s->grave, destroy_buried);
    stream_info(accepted, &info);
    s->info = (struct downstream_info){.peer = info.peer, .local = info.local};
    w->session_count++;
    tcp_set_keepalive(accepted, &session_client_conf(s)->keepalive);
    session_begin(s);
}

/* ---- the peer ---- */

const char *session_hash_peer(const struct session *s, char hash[SESSION_HASH_MAX])
{
    static const char hex[] = "0123456789abcdef";
    for (unsigned i = 0; i < 32; i++) {
        hash[2 * i] = hex[s->peer.cert_sha256[i] >> 4];
        hash[2 * i + 1] = hex[s->peer.cert_sha256[i] & 15];
    }
    hash[SESSION_HASH_MAX - 1] = 0;
    return hash;
}

void session_learn_source(struct session *s, struct slice label)
{
    struct slice workload = slice_sub(label, slice_find_byte(label, '/') + 1, label.len);
    if (s->has_said_source || !label.len)
        return; /* one connection is one sidecar's */
    s->has_said_source = true;
    if (!schema_format_name.is_valid(workload)) {
        metrics_add(s->worker->metrics, METRICS_PEER_NAMES_REFUSED, 1);
        return;
    }
    s->party_workload = mem_strndup(workload.ptr, workload.len);
    s->party.workload = slice_of(s->party_workload, workload.len);
    s->party.hash = metrics_party_hash(&s->party);
}

static struct stream *transport_of(const struct session *s)
{
    if (s->server)
        return http_server_transport(s->server);
    return s->tunnel && !s->transport ? tunnel_downstream(s->tunnel) : s->transport;
}

bool session_is_trusted(const struct session *s, char why[TLS_DETAIL_MAX])
{
    const struct tls_ctx *ctx = s->info.is_tls && s->side->tls_ctx ? s->side->tls_ctx(s) : NULL;
    /* A port without listeners has nobody who would vouch for the clients that were known there. */
    if (!ctx && s->side->faces_strangers && s->xfcc.len) {
        snprintf(why, TLS_DETAIL_MAX, "no listener of its port knows clients any more");
        return false;
    }
    struct stream *transport = ctx ? transport_of(s) : NULL;
    return !transport || tls_stream_review(transport, ctx, NULL, why) == ERR_OK;
}

void session_judge(struct session *s)
{
    char why[TLS_DETAIL_MAX];
    if (!session_is_trusted(s, why)) {
        note_refusal(s, why);
        session_close(s);
        return;
    }
    if (s->tunnel && !tunnel_trusts(s->tunnel, why)) {
        LOG_W("session", "an opaque connection is closed, whom it leads to is not trusted: %s",
              why);
        session_close(s);
        return;
    }
    if (s->tunnel && !s->transport && !session_admits_opaque(s, why))
        session_close(s);
}
