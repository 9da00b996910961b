/* sidecar/telemetry/metrics.h, kept for the test instead of rendered.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_report.h"

#include <stdio.h>

#include "lib/base/mem.h"

struct metrics_shard {
    unsigned workers;
};

struct metrics_shard *metrics_shard_create(unsigned workers)
{
    struct metrics_shard *m = mem_zalloc(sizeof(*m));
    m->workers = workers;
    return m;
}

void metrics_shard_count_sizes(struct metrics_shard *m, bool on)
{
    (void)m, (void)on;
}

void metrics_shard_expire(struct metrics_shard *m, uint64_t now_ms)
{
    (void)m, (void)now_ms;
}

void metrics_shard_destroy(struct metrics_shard *m)
{
    mem_free(m);
}

void metrics_add(struct metrics_shard *m, enum metrics_id id, uint64_t n)
{
    (void)m;
    sim_report.values[id] += n;
}

void metrics_count_handshake(struct metrics_shard *m, bool ok)
{
    (void)m;
    sim_report.handshakes_failed += !ok;
}

void metrics_count_handshake_failure(struct metrics_shard *m, enum err why)
{
    (void)m;
    (void)why;
    sim_report.handshakes_failed++;
}

void metrics_count_plaintext(struct metrics_shard *m, struct slice source)
{
    (void)m;
    (void)source;
}

void metrics_count_filter_event(struct metrics_shard *m, const char *filter, const char *event)
{
    (void)m;
    snprintf(sim_report.filter_event, sizeof(sim_report.filter_event), "%s %s", filter, event);
}

void metrics_count_consumer(struct metrics_shard *m, struct slice consumer, uint16_t status)
{
    (void)m;
    (void)consumer;
    (void)status;
}

void metrics_count_udp_dropped(struct metrics_shard *m, struct slice reason, uint64_t n)
{
    (void)m;
    sim_report.dropped += n;
    snprintf(sim_report.drop_reason, sizeof(sim_report.drop_reason), "%.*s", SLICE_ARG(reason));
}

uint64_t metrics_party_hash(const struct metrics_party *p)
{
    (void)p;
    return 1;
}

uint64_t metrics_service_hash(const struct metrics_service *s)
{
    (void)s;
    return 1;
}

static void note_source(const struct metrics_key *key)
{
    const struct metrics_party *p = &key->source;
    if (key->reporter != METRICS_DESTINATION)
        return;
    snprintf(sim_report.source_in, sizeof(sim_report.source_in), "%.*s %.*s %.*s",
             SLICE_ARG(p->workload), SLICE_ARG(p->namespace_name), SLICE_ARG(p->principal));
}

void metrics_request(struct metrics_shard *m, const struct metrics_key *key, uint64_t duration_us,
                     uint64_t request_bytes, uint64_t response_bytes)
{
    (void)m;
    (void)duration_us;
    note_source(key);
    sim_report.exchanges++;
    sim_report.fail = key->fail;
    sim_report.status = key->status;
    sim_report.grpc_status = key->grpc_status;
    sim_report.request_bytes = request_bytes;
    sim_report.response_bytes = response_bytes;
}

void metrics_tcp_opened(struct metrics_shard *m, const struct metrics_key *key)
{
    (void)m;
    note_source(key);
    sim_report.tunnels_opened++;
}

void metrics_tcp_bytes(struct metrics_shard *m, const struct metrics_key *key, uint64_t sent,
                       uint64_t received)
{
    (void)m;
    (void)key;
    sim_report.request_bytes = received;
    sim_report.response_bytes = sent;
}

void metrics_tcp_closed(struct metrics_shard *m, const struct metrics_key *key)
{
    (void)m;
    sim_report.tunnels_closed++;
    sim_report.fail = key->fail;
}
