/* Timeouts, retries, ejection and health checks from their messages, which are complete:
 * policies/kinds says what holds where nothing is said. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/traffic_conf.h"

#include "lib/codec/http/message.h"

enum { RETRY_ATTEMPTS_MAX = 100 };

struct timeouts_conf traffic_conf_timeouts(const Weft__Config__V1__Timeouts *from)
{
    if (!from)
        return (struct timeouts_conf){.idle_ms = TRAFFIC_IDLE_MS};
    return (struct timeouts_conf){
        .request_ms = from->request_ms,
        .backend_ms = from->backend_ms,
        .idle_ms = from->idle_ms ? from->idle_ms : TRAFFIC_IDLE_MS,
        .idle_said = from->idle_ms != 0,
        .tunnel_ms = from->tunnel_ms,
    };
}

struct tcp_keepalive traffic_conf_keepalive(const Weft__Config__V1__TcpKeepalive *from)
{
    if (!from)
        return (struct tcp_keepalive){0};
    return (struct tcp_keepalive){from->time_s, from->interval_s, from->probes};
}

struct http2_keepalive_conf
traffic_conf_http2_keepalive(const Weft__Config__V1__Http2Keepalive *from)
{
    if (!from)
        return (struct http2_keepalive_conf){0};
    return (struct http2_keepalive_conf){true, from->interval_ms, from->timeout_ms};
}

static enum err take_status_codes(const struct part_build *b,
                                  const Weft__Config__V1__RetryPolicy *from, struct retry_conf *to)
{
    uint16_t *codes = part_array(b->part, from->n_status_codes, sizeof(*codes));
    for (size_t i = 0; i < from->n_status_codes; i++) {
        if (from->status_codes[i] < 200 || from->status_codes[i] > 599)
            return part_refuse(b, "retry: %u is not a final status code", from->status_codes[i]);
        codes[i] = (uint16_t)from->status_codes[i];
    }
    to->status_codes = codes;
    to->status_count = (uint16_t)from->n_status_codes;
    return ERR_OK;
}

enum err traffic_conf_retry(const struct part_build *b, const Weft__Config__V1__RetryPolicy *from,
                            struct retry_conf *to)
{
    *to = (struct retry_conf){0};
    if (!from)
        return ERR_OK;
    if (from->attempts > RETRY_ATTEMPTS_MAX)
        return part_refuse(b, "retry: %u attempts, at most %d are possible", from->attempts,
                           RETRY_ATTEMPTS_MAX);
    if (from->n_status_codes > 64 || from->budget_percent > 100)
        return part_refuse(b, "retry: at most 64 status codes and a budget of 100 percent");
    *to = (struct retry_conf){
        .attempts = from->attempts,
        .on_connect_failure = from->on_connect_failure,
        .on_reset = from->on_reset,
        .on_gateway_error = from->on_gateway_error,
        .only_idempotent = from->only_idempotent,
        .per_try_timeout_ms = from->per_try_timeout_ms,
        .backoff_base_ms = from->backoff_base_ms,
        .backoff_max_ms = from->backoff_max_ms,
        .budget_percent = from->budget_percent,
        .budget_min_per_second = from->budget_min_per_second,
    };
    return take_status_codes(b, from, to);
}

static enum err take_failure_statuses(const struct part_build *b,
                                      const Weft__Config__V1__OutlierDetection *from,
                                      struct outlier_conf *to)
{
    uint16_t *statuses = part_array(b->part, from->n_http_statuses, sizeof(*statuses));
    for (size_t i = 0; i < from->n_http_statuses; i++) {
        if (from->http_statuses[i] < 100 || from->http_statuses[i] > 599)
            return part_refuse(b, "outlier detection: %u is not a status",
                               from->http_statuses[i]);
        statuses[i] = (uint16_t)from->http_statuses[i];
    }
    to->statuses = statuses;
    to->status_count = (uint32_t)from->n_http_statuses;
    return ERR_OK;
}

enum err traffic_conf_outlier(const struct part_build *b,
                              const Weft__Config__V1__OutlierDetection *from,
                              struct outlier_conf *to)
{
    *to = (struct outlier_conf){
        .enabled = !from->disabled,
        .failures = {[OUTLIER_ANY] = from->consecutive_failures,
                     [OUTLIER_HTTP] = from->http_failures,
                     [OUTLIER_TCP] = from->tcp_failures,
                     [OUTLIER_TIMEOUT] = from->timeouts},
        .window_ms = from->window_ms,
        .successes = from->successes,
        .base_ejection_ms = from->base_ejection_ms,
        .max_ejection_ms = from->max_ejection_ms,
        .max_ejection_percent = from->max_ejection_percent,
    };
    if (to->max_ejection_percent > 100)
        return part_refuse(b, "outlier detection: more than 100 percent can be ejected");
    return take_failure_statuses(b, from, to);
}

enum err traffic_conf_persistence(const struct part_build *b,
                                  const Weft__Config__V1__SessionPersistence *from,
                                  const struct persistence_conf **out)
{
    if (!from)
        return ERR_OK;
    struct persistence_conf *to = part_array(b->part, 1, sizeof(*to));
    *to = (struct persistence_conf){.is_header = from->header,
                                    .is_permanent = from->permanent,
                                    .absolute_s = from->absolute_s,
                                    .idle_s = from->idle_s};
    if (from->key.len != sizeof(to->key))
        return part_refuse(b, "session persistence: the key must have %zu bytes",
                           sizeof(to->key));
    memcpy(to->key, from->key.data, sizeof(to->key));
    to->name = part_text(b->part, from->name);
    if (to->name.len && !message_name_is_valid(to->name))
        return part_refuse(b, "session persistence: \"%s\" is not a name", from->name);
    if (to->is_permanent && !to->absolute_s)
        return part_refuse(b, "session persistence: a permanent cookie needs a lifetime");
    *out = to;
    return ERR_OK;
}

struct slice traffic_conf_persistence_name(struct arena *arena, const struct persistence_conf *p,
                                           struct slice route)
{
    if (!p || p->name.len)
        return p ? p->name : SLICE("");
    return arena_printf(arena, "weft-session-%08x", (unsigned)(slice_hash(route) >> 32));
}

static enum err take_statuses(const struct part_build *b,
                              const Weft__Config__V1__HttpHealthCheck *from,
                              struct health_check_conf *to)
{
    uint16_t *statuses = part_array(b->part, from->n_statuses, sizeof(*statuses));
    for (size_t i = 0; i < from->n_statuses; i++) {
        if (from->statuses[i] < 200 || from->statuses[i] > 599)
            return part_refuse(b, "health check: %u is not a final status code", from->statuses[i]);
        statuses[i] = (uint16_t)from->statuses[i];
    }
    to->statuses = statuses;
    to->status_count = (uint32_t)from->n_statuses;
    return ERR_OK;
}

static enum err take_http_check(const struct part_build *b,
                                const Weft__Config__V1__HttpHealthCheck *from,
                                struct health_check_conf *to)
{
    to->kind = HEALTH_CHECK_HTTP;
    to->method = part_text(b->part, from->method);
    to->path = part_text(b->part, from->path);
    to->host = part_text(b->part, from->host);
    if (!to->method.len || !to->path.len || to->path.ptr[0] != '/')
        return part_refuse(b, "health check: HTTP needs a method and a path");
    return take_statuses(b, from, to);
}

enum err traffic_conf_health_check(const struct part_build *b,
                                   const Weft__Config__V1__HealthCheck *from,
                                   const struct health_check_conf **out)
{
    if (!from)
        return ERR_OK;
    struct health_check_conf *to = part_array(b->part, 1, sizeof(*to));
    *to = (struct health_check_conf){.interval_ms = from->interval_ms,
                                     .unhealthy_interval_ms = from->unhealthy_interval_ms,
                                     .timeout_ms = from->timeout_ms,
                                     .healthy_threshold = from->healthy_threshold,
                                     .unhealthy_threshold = from->unhealthy_threshold};
    *out = to;
    if (!to->interval_ms || !to->unhealthy_interval_ms || !to->timeout_ms ||
        !to->healthy_threshold || !to->unhealthy_threshold)
        return part_refuse(b, "health check: intervals, timeout and thresholds must not be 0");
    if (from->http)
        return take_http_check(b, from->http, to);
    if (!from->grpc)
        return ERR_OK;
    to->kind = HEALTH_CHECK_GRPC;
    to->service = part_text(b->part, from->grpc->service);
    return ERR_OK;
}
