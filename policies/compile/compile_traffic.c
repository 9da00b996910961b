/* TrafficPolicies: which of them speak for a Service or route, what they say together, and the
 * messages of it. Narrower goes first, then older; whole sections are taken, and within timeouts
 * and retries single values. Control thread. Must not know of endpoints.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

#include "lib/schema/schema_layer.h"

void compile_traffic_merge(struct traffic *narrow, const struct traffic *wide)
{
    if (!narrow->timeouts)
        narrow->timeouts = wide->timeouts;
    if (!narrow->retries)
        narrow->retries = wide->retries;
    if (!narrow->outlier)
        narrow->outlier = wide->outlier;
    if (!narrow->health)
        narrow->health = wide->health;
    if (!narrow->breaker)
        narrow->breaker = wide->breaker;
    if (!narrow->balancing)
        narrow->balancing = wide->balancing;
    if (!narrow->pool)
        narrow->pool = wide->pool;
}

const struct traffic *compile_traffic_defaults(const struct compile *c)
{
    static const struct traffic nothing;
    return c->mesh ? &c->mesh->spec.defaults : &nothing;
}

static struct traffic collect(const struct object_list *policies, const char *kind,
                              struct slice name, struct slice section)
{
    struct traffic all = {0};
    for (int wanted = 2; wanted > 0; wanted--) {
        for (size_t i = 0; i < policies->count; i++) {
            const struct traffic_policy *p = POLICY_AT(policies, struct traffic_policy, i);
            if (policy_target_fit(&p->spec.targets, kind, name, section) == wanted)
                compile_traffic_merge(&all, &p->spec.traffic);
        }
    }
    return all;
}

struct traffic compile_traffic_of_service(struct compile *c, const struct service *s,
                                          const struct service_port *port)
{
    const struct metadata *meta = &s->object.meta;
    return collect(
        policy_index_group(c->set, POLICY_GROUP_SERVICE_TRAFFIC, meta->namespace_name, meta->name),
        s->object.kind->name, meta->name, port->name);
}

struct traffic compile_traffic_of_route(struct compile *c, const struct route *route,
                                        struct slice rule)
{
    const struct metadata *meta = &route->object.meta;
    return collect(
        policy_index_group(c->set, POLICY_GROUP_ROUTE_TRAFFIC, meta->namespace_name, meta->name),
        route->object.kind->name, meta->name, rule);
}

/* The section that both have; NULL when there is none. */
static const char *overlap(const struct traffic *a, const struct traffic *b)
{
    return a->timeouts && b->timeouts     ? "timeouts"
           : a->retries && b->retries     ? "retries"
           : a->outlier && b->outlier     ? "outlierDetection"
           : a->health && b->health       ? "healthCheck"
           : a->breaker && b->breaker     ? "circuitBreaker"
           : a->balancing && b->balancing ? "loadBalancing"
           : a->pool && b->pool           ? "connectionPool"
                                          : NULL;
}

void compile_traffic_note_conflicts(struct compile *c, const struct object_list *policies)
{
    for (size_t i = 1; i < policies->count; i++) {
        const struct traffic_policy *late = POLICY_AT(policies, struct traffic_policy, i);
        for (size_t j = 0; j < i; j++) {
            const struct traffic_policy *early = POLICY_AT(policies, struct traffic_policy, j);
            const char *section = overlap(&early->spec.traffic, &late->spec.traffic);
            if (section &&
                policy_target_is_shared(&early->spec.targets, &late->spec.targets))
                compile_build_note(c, &late->object, 0, "spec", FINDING_POLICY_CONFLICT,
                                   "%s not in force: %.*s says it for the same target and comes "
                                   "first",
                                   section, SLICE_ARG(early->object.text));
        }
    }
}

/* ---- messages ---- */

static uint32_t or_zero(int64_t value)
{
    return value > 0 ? (uint32_t)value : 0;
}

static void fill(int64_t *value, int64_t from)
{
    if (*value == SCHEMA_UNSET)
        *value = from;
}

PB(Timeouts) * compile_traffic_timeouts(struct compile *c, const struct http_route_timeouts *own,
                                        const struct traffic_timeouts *const *levels, size_t count)
{
    int64_t request = own ? own->request : SCHEMA_UNSET;
    int64_t backend = own ? own->backend_request : SCHEMA_UNSET;
    int64_t idle = SCHEMA_UNSET, tunnel = SCHEMA_UNSET;
    for (size_t i = 0; i < count; i++) {
        if (!levels[i])
            continue;
        fill(&request, levels[i]->request);
        fill(&backend, levels[i]->backend);
        fill(&idle, levels[i]->idle);
        fill(&tunnel, levels[i]->tunnel);
    }
    if (request == SCHEMA_UNSET && backend == SCHEMA_UNSET && idle == SCHEMA_UNSET &&
        tunnel == SCHEMA_UNSET)
        return NULL;
    PB(Timeouts) *t = PB_NEW(c, Timeouts, timeouts);
    t->request_ms = or_zero(request);
    t->backend_ms = or_zero(backend);
    t->idle_ms = or_zero(idle);
    t->tunnel_ms = or_zero(tunnel);
    return t;
}

PB(TcpKeepalive) *
    compile_traffic_keepalive(struct arena *arena, const struct tcp_keepalive_setting *from)
{
    enum { SECOND_MS = 1000 };
    PB(TcpKeepalive) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__tcp_keepalive__init(to);
    to->time_s = or_zero(from->time) / SECOND_MS;
    to->interval_s = or_zero(from->interval) / SECOND_MS;
    to->probes = or_zero(from->probes);
    return to;
}

PB(Http2Keepalive) * compile_traffic_http2_keepalive(struct arena *arena,
                                                     const struct http2_keepalive_setting *from)
{
    if (http2_keepalive_is_unset(from))
        return NULL;
    PB(Http2Keepalive) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__http2_keepalive__init(to);
    to->interval_ms = from->interval == SCHEMA_UNSET ? (uint32_t)HTTP2_KEEPALIVE_INTERVAL_MS
                                                     : (uint32_t)from->interval;
    to->timeout_ms = from->timeout == SCHEMA_UNSET ? (uint32_t)HTTP2_KEEPALIVE_TIMEOUT_MS
                                                   : (uint32_t)from->timeout;
    return to;
}

uint32_t compile_traffic_connect_ms(const struct traffic_timeouts *const *levels, size_t count)
{
    int64_t connect = SCHEMA_UNSET;
    for (size_t i = 0; i < count; i++)
        if (levels[i])
            fill(&connect, levels[i]->connect);
    struct traffic_timeouts all = {.connect = connect};
    schema_layer_settle(&traffic_policy_timeouts_schema, &all);
    return or_zero(all.connect);
}

static const struct traffic_retries *first_of(const struct traffic_retries *const *levels,
                                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (levels[i])
            return levels[i];
    return NULL;
}

static void set_conditions(struct arena *arena, const struct traffic_retries *from,
                           PB(RetryPolicy) * to)
{
    /* Where only answers were named, what never got one is at least as good a reason. */
    to->on_connect_failure = to->on_reset = !from->on.present;
    to->only_idempotent = !from->retry_non_idempotent;
    for (SCHEMA_EACH(from->on, int, on)) {
        to->on_connect_failure |= *on == TRAFFIC_CONNECT_FAILURE;
        to->on_reset |= *on == TRAFFIC_RESET;
        to->on_gateway_error |= *on == TRAFFIC_GATEWAY_ERROR;
    }
    to->status_codes = arena_alloc(arena, from->status_codes.count * sizeof *to->status_codes);
    for (SCHEMA_EACH(from->status_codes, int64_t, code))
        to->status_codes[to->n_status_codes++] = (uint32_t)*code;
}

static void set_limits(const struct traffic_retries *from, PB(RetryPolicy) * to)
{
    struct traffic_backoff backoff;
    struct traffic_budget budget;
    schema_layer_complete(&traffic_policy_backoff_schema, from->backoff, &backoff);
    schema_layer_complete(&traffic_policy_budget_schema, from->budget, &budget);
    to->attempts = or_zero(from->attempts);
    to->per_try_timeout_ms = or_zero(from->per_try_timeout);
    to->backoff_base_ms = or_zero(backoff.base);
    to->backoff_max_ms = or_zero(backoff.max);
    if (to->backoff_max_ms < to->backoff_base_ms)
        to->backoff_max_ms = to->backoff_base_ms;
    to->budget_percent = or_zero(budget.percent);
    to->budget_min_per_second = or_zero(budget.min_per_second);
}

PB(RetryPolicy) * compile_traffic_retry_of(struct arena *arena, const struct traffic_retries *said)
{
    struct traffic_retries from;
    schema_layer_complete(&traffic_policy_retries_schema, said, &from);
    PB(RetryPolicy) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__retry_policy__init(to);
    set_conditions(arena, &from, to);
    set_limits(&from, to);
    return to;
}

static void set_own(struct compile *c, const struct http_route_retry *own,
                    const struct traffic_retries *policy, PB(RetryPolicy) * to)
{
    if (own->attempts != SCHEMA_UNSET)
        to->attempts = (uint32_t)own->attempts;
    if (own->backoff != SCHEMA_UNSET) {
        to->backoff_base_ms = or_zero(own->backoff);
        bool has_max = policy && policy->backoff && policy->backoff->max != SCHEMA_UNSET;
        if (!has_max || to->backoff_max_ms < to->backoff_base_ms * 10)
            to->backoff_max_ms = to->backoff_base_ms * 10;
    }
    if (!own->codes.present)
        return;
    to->n_status_codes = 0;
    to->status_codes = NULL;
    for (SCHEMA_EACH(own->codes, int64_t, code))
        PB_PUSH(c, to, status_codes, (uint32_t)*code);
}

PB(RetryPolicy) * compile_traffic_retry(struct compile *c, const struct http_route_retry *own,
                                        const struct traffic_retries *const *levels, size_t count)
{
    const struct traffic_retries *policy = first_of(levels, count);
    if (!own && !policy)
        return NULL;
    PB(RetryPolicy) *to = compile_traffic_retry_of(c->arena, policy);
    if (own)
        set_own(c, own, policy, to);
    return to;
}
