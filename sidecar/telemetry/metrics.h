/* What is counted. Each worker has a shard of its own and writes it without locks; to show the
 * numbers, a worker hands over a copy, and the control thread merges the copies and renders them.
 * The names and labels are Istio's, so that its dashboards work; what Istio has no name for begins
 * with weft_. A shard belongs to one thread at a time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "filters/fail.h"

#define METRICS_SERIES_MAX \
    2000u /* of requests and connections, per worker; then one for all others */
#define METRICS_TEXT_MAX \
    (4u * 1024 * 1024)          /* bytes of their labels, of all workers together; then the same */
#define METRICS_LABELS_MAX 200u /* values of a labelled counter, per worker; then "other" */
#define METRICS_CONSUMERS_MAX 20000u /* consumers and statuses, per worker; then "other" */
#define METRICS_IDLE_MS \
    (10u * 60000u) /* series that nothing was added to for so long are dropped */

enum metrics_id {
#define X(id, type, name, help) METRICS_##id,
#include "sidecar/telemetry/metrics.def"
#undef X
    METRICS_COUNT
};

struct metrics_shard;

/* workers: how many have one, which share METRICS_TEXT_MAX; 0: it is for copies of theirs. */
struct metrics_shard *metrics_shard_create(unsigned workers);
/* NULL is allowed. */
void metrics_shard_destroy(struct metrics_shard *m);

/* Are the sizes of bodies counted too? False at first. On the shard's own thread. */
void metrics_shard_count_sizes(struct metrics_shard *m, bool on);
/* On the shard's own thread, now and then: drops series that have been idle. */
void metrics_shard_expire(struct metrics_shard *m, uint64_t now_ms);

/* ---- plain numbers ---- */

void metrics_add(struct metrics_shard *m, enum metrics_id id, uint64_t n);
void metrics_set(struct metrics_shard *m, enum metrics_id id, uint64_t value);

static inline void metrics_count_retry(struct metrics_shard *m)
{
    metrics_add(m, METRICS_RETRIES, 1);
}
static inline void metrics_count_budget_exhausted(struct metrics_shard *m)
{
    metrics_add(m, METRICS_RETRY_BUDGET_EXHAUSTED, 1);
}
static inline void metrics_count_ejection(struct metrics_shard *m)
{
    metrics_add(m, METRICS_EJECTIONS, 1);
}
static inline void metrics_count_refused(struct metrics_shard *m)
{
    metrics_add(m, METRICS_CONNECTIONS_REFUSED, 1);
}
static inline void metrics_count_bad_request(struct metrics_shard *m)
{
    metrics_add(m, METRICS_BAD_REQUESTS, 1);
}
static inline void metrics_count_headers_dropped(struct metrics_shard *m, uint32_t n)
{
    metrics_add(m, METRICS_HEADERS_DROPPED, n);
}
/* weft_tls_handshakes_total{result="ok"} or {result="failed"}. */
void metrics_count_handshake(struct metrics_shard *m, bool ok);
/* The same with the reason as the result: "untrusted", "expired", "timeout" … */
void metrics_count_handshake_failure(struct metrics_shard *m, enum err why);
/* weft_plaintext_requests_total{source=…}: who would be shut out by STRICT. source:
 * "namespace/workload", or an address. */
void metrics_count_plaintext(struct metrics_shard *m, struct slice source);
/* weft_filter_events_total{filter=…, event=…}. Both are names of a filter's table. */
void metrics_count_filter_event(struct metrics_shard *m, const char *filter, const char *event);

/* weft_consumer_requests_total{consumer="namespace/name", response_code=…}: an object's name. */
void metrics_count_consumer(struct metrics_shard *m, struct slice consumer, uint16_t status);

/* weft_udp_datagrams_dropped_total{reason=…}. */
void metrics_count_udp_dropped(struct metrics_shard *m, struct slice reason, uint64_t n);

/* ---- requests and connections ---- */

/* One end. Empty texts are shown as "unknown". hash: metrics_party_hash, kept wherever the texts
 * are kept (endpoints, sessions), so that a request hashes no text; 0: computed here. */
struct metrics_party {
    struct slice workload, namespace_name;
    struct slice principal; /* SPIFFE id */
    uint64_t hash;
};
struct metrics_service {
    struct slice host; /* "reviews.default.svc.cluster.local" */
    struct slice name, namespace_name;
    uint64_t hash;
};
uint64_t metrics_party_hash(const struct metrics_party *p);
uint64_t metrics_service_hash(const struct metrics_service *s);

enum metrics_reporter { METRICS_SOURCE, METRICS_DESTINATION };
enum metrics_security { METRICS_UNKNOWN_SECURITY, METRICS_PLAINTEXT, METRICS_MUTUAL_TLS };
enum metrics_protocol { METRICS_HTTP, METRICS_GRPC, METRICS_TCP, METRICS_UDP };

/* There are no requests in it that would be told apart. */
static inline bool metrics_is_opaque(enum metrics_protocol p)
{
    return p == METRICS_TCP || p == METRICS_UDP;
}

#define METRICS_NO_GRPC_STATUS (-1)

/* What a request or connection is counted under. */
struct metrics_key {
    struct metrics_party source, destination;
    struct metrics_service service;
    enum metrics_reporter reporter;
    enum metrics_security security;
    enum metrics_protocol protocol;
    enum fail fail;      /* its flag is the response_flags label */
    uint16_t status;     /* requests */
    int16_t grpc_status; /* requests; METRICS_NO_GRPC_STATUS */
};

/* One finished request: istio_requests_total, istio_request_duration_milliseconds and, where sizes
 * are counted, istio_request_bytes and istio_response_bytes. One hash lookup; allocates only for a
 * series that is new. */
void metrics_request(struct metrics_shard *m, const struct metrics_key *key, uint64_t duration_us,
                     uint64_t request_bytes, uint64_t response_bytes);
/* An opaque connection, or a flow of datagrams. Bytes may be reported as they flow, or later. */
void metrics_tcp_opened(struct metrics_shard *m, const struct metrics_key *key);
void metrics_tcp_bytes(struct metrics_shard *m, const struct metrics_key *key, uint64_t sent,
                       uint64_t received);
void metrics_tcp_closed(struct metrics_shard *m, const struct metrics_key *key);

/* ---- showing them ---- */

/* On the shard's own thread: drops series that have been idle, and copies the rest for another
 * thread. */
struct metrics_shard *metrics_shard_copy(struct metrics_shard *m, uint64_t now_ms);
/* On the control thread, over copies: adds `from` to `to`. */
void metrics_shard_merge(struct metrics_shard *to, const struct metrics_shard *from);
/* The Prometheus text format 0.0.4, all at once: for tests. */
void metrics_shard_render(const struct metrics_shard *m, struct buf *out);

/* The same piece by piece, so that the page is never in memory as a whole. All zero: at its
 * beginning. The shard must not change meanwhile. */
struct metrics_cursor {
    unsigned part;
    size_t at;
    bool is_begun;
};
/* Appends at least `enough` bytes and little more; false: that was the end, whatever came. */
bool metrics_shard_render_some(const struct metrics_shard *m, struct metrics_cursor *c,
                               struct buf *out, size_t enough);
