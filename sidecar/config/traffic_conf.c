/* The numbers of config.proto's comments, in one place.
 * Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/traffic_conf.h"

enum {
    IDLE_MS = 300000,
    RETRY_ATTEMPTS_MAX = 100,
    BACKOFF_BASE_MS = 25,
    BACKOFF_MAX_MS = 250,
    BUDGET_PERCENT = 20,
    BUDGET_MIN_PER_SECOND = 10,
    CONSECUTIVE_FAILURES = 5,
    BASE_EJECTION_MS = 5000,
    MAX_EJECTION_MS = 60000,
    MAX_EJECTION_PERCENT = 50,
};

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

struct timeouts_conf traffic_conf_timeouts(const Weft__Config__V1__Timeouts *from)
{
    if (!from)
        return (struct timeouts_conf){.idle_ms = IDLE_MS};
    return (struct timeouts_conf){
        .request_ms = from->request_ms,
        .backend_ms = from->backend_ms,
        .idle_ms = or_default(from->idle_ms, IDLE_MS),
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
    static const Weft__Config__V1__RetryPolicy standard = {
        .attempts = 1,
        .on_connect_failure = true,
        .on_reset = true,
        .only_idempotent = true,
    };
    if (!from)
        from = &standard;
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
        .backoff_base_ms = or_default(from->backoff_base_ms, BACKOFF_BASE_MS),
        .backoff_max_ms = or_default(from->backoff_max_ms, BACKOFF_MAX_MS),
        .budget_percent = or_default(from->budget_percent, BUDGET_PERCENT),
        .budget_min_per_second = or_default(from->budget_min_per_second, BUDGET_MIN_PER_SECOND),
    };
    if (to->backoff_max_ms < to->backoff_base_ms)
        to->backoff_max_ms = to->backoff_base_ms;
    return take_status_codes(b, from, to);
}

enum err traffic_conf_outlier(const struct part_build *b,
                              const Weft__Config__V1__OutlierDetection *from,
                              struct outlier_conf *to)
{
    static const Weft__Config__V1__OutlierDetection standard = {.disabled = false};
    if (!from)
        from = &standard;
    *to = (struct outlier_conf){
        .enabled = !from->disabled,
        .consecutive_failures = or_default(from->consecutive_failures, CONSECUTIVE_FAILURES),
        .base_ejection_ms = or_default(from->base_ejection_ms, BASE_EJECTION_MS),
        .max_ejection_ms = or_default(from->max_ejection_ms, MAX_EJECTION_MS),
        .max_ejection_percent = or_default(from->max_ejection_percent, MAX_EJECTION_PERCENT),
    };
    if (to->max_ejection_percent > 100)
        return part_refuse(b, "outlier detection: more than 100 percent can be ejected");
    if (to->max_ejection_ms < to->base_ejection_ms)
        to->max_ejection_ms = to->base_ejection_ms;
    return ERR_OK;
}
