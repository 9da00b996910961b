/* The message of a Service's health check. Control thread. Must not know of endpoints.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

static PB(HttpHealthCheck) * http_of(struct arena *arena, const struct health_check_http *from)
{
    PB(HttpHealthCheck) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__http_health_check__init(to);
    to->method = arena_strdup(arena, slice_from_cstr(health_check_methods[from->method]));
    to->path = arena_strdup(arena, from->path);
    to->host = arena_strdup(arena, from->host);
    to->statuses = arena_alloc(arena, from->statuses.count * sizeof *to->statuses);
    for (SCHEMA_EACH(from->statuses, int64_t, status))
        to->statuses[to->n_statuses++] = (uint32_t)*status;
    return to;
}

static PB(GrpcHealthCheck) * grpc_of(struct arena *arena, const struct health_check_grpc *from)
{
    PB(GrpcHealthCheck) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__grpc_health_check__init(to);
    to->service = arena_strdup(arena, from->service);
    return to;
}

PB(HealthCheck) * compile_health_check(struct arena *arena, const struct health_check_setting *from)
{
    if (!from)
        return NULL;
    PB(HealthCheck) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__health_check__init(to);
    bool is_same = from->unhealthy_interval == SCHEMA_UNSET;
    to->interval_ms = (uint32_t)from->interval;
    to->unhealthy_interval_ms = is_same ? to->interval_ms : (uint32_t)from->unhealthy_interval;
    to->timeout_ms = (uint32_t)from->timeout;
    to->healthy_threshold = (uint32_t)from->healthy_threshold;
    to->unhealthy_threshold = (uint32_t)from->unhealthy_threshold;
    to->http = from->http ? http_of(arena, from->http) : NULL;
    to->grpc = from->grpc ? grpc_of(arena, from->grpc) : NULL;
    return to;
}
