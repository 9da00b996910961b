/* From sessions, clusters and endpoints to the labels that people know. Hashes of texts that do
 * not change are kept with the texts, so that a request hashes none. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/report.h"

#include "lib/base/clock.h"
#include "lib/io/loop.h"
#include "sidecar/session/side.h"

/* The connection to it is mutual TLS of the mesh. */
static bool is_mutual(const struct endpoint *endpoint)
{
    return endpoint->conf->meshed && !endpoint->owner->mtls_disabled;
}

void report_fill_sent(struct metrics_key *key, const struct worker *w,
                      const struct cluster *cluster, const struct endpoint *endpoint)
{
    key->reporter = METRICS_SOURCE;
    key->source = w->self;
    if (cluster) {
        const struct cluster_conf *conf = cluster->conf;
        key->service = (struct metrics_service){.host = conf->service,
                                                .name = conf->service_name,
                                                .namespace_name = conf->service_namespace,
                                                .hash = conf->service_hash};
    }
    if (!endpoint)
        return;
    const struct endpoint_conf *to = endpoint->conf;
    key->destination = (struct metrics_party){.workload = to->workload,
                                              .namespace_name = to->namespace_name,
                                              .principal = to->spiffe_id,
                                              .hash = to->party_hash};
    key->security = is_mutual(endpoint) ? METRICS_MUTUAL_TLS : METRICS_PLAINTEXT;
}

void report_fill_key(struct metrics_key *key, const struct session *s,
                     const struct cluster *cluster, const struct endpoint *endpoint)
{
    *key = (struct metrics_key){.grpc_status = METRICS_NO_GRPC_STATUS};
    if (s->side->fill_key)
        s->side->fill_key(key, s, cluster, endpoint);
    else
        report_fill_sent(key, s->worker, cluster, endpoint);
}

bool report_is_logged(const struct worker *w, bool is_error)
{
    switch (w->settings->access_log) {
    case ACCESS_LOG_SAID_OFF:
        return false;
    case ACCESS_LOG_SAID_ERRORS:
        return is_error;
    case ACCESS_LOG_SAID_ALL:
        return true;
    case ACCESS_LOG_AS_MESH:
        break;
    }
    Weft__Config__V1__AccessLogMode mode = snapshot_mesh(worker_snapshot(w))->access_log;
    return mode == WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_ALL ||
           (mode == WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_ERRORS && is_error);
}

bool report_is_json(const struct worker *w)
{
    enum access_log_form form = w->settings->access_log_form;
    if (form == ACCESS_LOG_FORM_AS_MESH)
        return snapshot_mesh(worker_snapshot(w))->access_log_json;
    return form == ACCESS_LOG_FORM_JSON;
}

void report_fill_record(struct access_record *r, const struct session *s,
                        const struct cluster *cluster, const struct endpoint *endpoint,
                        uint64_t duration_us)
{
    *r = (struct access_record){
        .start_ms = clock_wall_ms() - (int64_t)(duration_us / 1000),
        .direction = slice_from_cstr(s->side->name),
        .duration_us = duration_us,
        .upstream_us = -1,
        .grpc_status = -1,
        .downstream_local = s->info.original_dst,
        .downstream_remote = s->info.peer,
        .downstream_direct = s->info.peer,
        .sni = s->info.sni,
        /* Whichever of the two is a hop of the mesh: never both are. */
        .is_mutual_tls = s->is_mesh || (endpoint && is_mutual(endpoint)),
        .source_principal = slice_from_cstr(s->peer_principal),
    };
    if (cluster)
        r->upstream_cluster = cluster->conf->name;
    if (endpoint) {
        r->upstream_host = endpoint->conf->addr;
        r->destination_principal = endpoint->conf->spiffe_id;
    }
}

static void fill_tunnel_key(struct metrics_key *key, const struct session *s,
                            const struct cluster *cluster, const struct endpoint *endpoint,
                            enum fail why)
{
    report_fill_key(key, s, cluster, endpoint);
    key->protocol = METRICS_TCP;
    key->fail = why;
}

void report_tunnel_opened(const struct session *s, const struct cluster *cluster)
{
    struct metrics_key key;
    fill_tunnel_key(&key, s, cluster, NULL, FAIL_NONE);
    metrics_tcp_opened(s->worker->metrics, &key);
}

void report_tunnel_closed(const struct session *s, const struct cluster *cluster,
                          const struct endpoint *endpoint, uint64_t sent, uint64_t received,
                          enum fail why)
{
    struct metrics_key key;
    fill_tunnel_key(&key, s, cluster, endpoint, why);
    metrics_tcp_bytes(s->worker->metrics, &key, received, sent);
    metrics_tcp_closed(s->worker->metrics, &key);
    if (!report_is_logged(s->worker, why != FAIL_NONE))
        return;
    uint64_t now_ns = loop_now_ns(s->worker->loop);
    struct access_record r;
    report_fill_record(&r, s, cluster, endpoint, (now_ns - s->opened_ns) / 1000);
    r.protocol = SLICE("TCP");
    r.flags = fail_info(why)->flag;
    r.reason = fail_info(why)->text;
    r.bytes_received = sent;
    r.bytes_sent = received;
    access_log_write(&r, report_is_json(s->worker));
}

/* ---- flows of datagrams ---- */

static void fill_flow_key(struct metrics_key *key, const struct worker *w, const struct flow *f,
                          const struct endpoint *endpoint, enum fail why)
{
    *key = (struct metrics_key){
        .grpc_status = METRICS_NO_GRPC_STATUS, .protocol = METRICS_UDP, .fail = why};
    report_fill_sent(key, w, f->cluster, endpoint);
}

void report_flow_opened(const struct worker *w, const struct flow *f)
{
    struct metrics_key key;
    fill_flow_key(&key, w, f, NULL, FAIL_NONE);
    metrics_tcp_opened(w->metrics, &key);
}

void report_flow_closed(const struct worker *w, const struct flow *f, enum fail why)
{
    struct metrics_key key;
    uint64_t duration_us = (loop_now_ns(w->loop) - f->opened_ns) / 1000;
    fill_flow_key(&key, w, f, f->endpoint, why);
    metrics_tcp_bytes(w->metrics, &key, f->sent, f->received);
    metrics_tcp_closed(w->metrics, &key);
    if (!report_is_logged(w, why != FAIL_NONE))
        return;
    struct access_record r = {
        .start_ms = clock_wall_ms() - (int64_t)(duration_us / 1000),
        .direction = slice_from_cstr(side_gateway.name),
        .protocol = SLICE("UDP"),
        .flags = fail_info(why)->flag,
        .reason = fail_info(why)->text,
        .bytes_received = f->received,
        .bytes_sent = f->sent,
        .duration_us = duration_us,
        .upstream_us = -1,
        .grpc_status = -1,
        .upstream_host = f->endpoint->conf->addr,
        .upstream_cluster = f->cluster->conf->name,
        .downstream_local = f->client.local,
        .downstream_remote = f->client.peer,
        .downstream_direct = f->client.peer,
    };
    access_log_write(&r, report_is_json(w));
}
