/* The series of one shard: requests and connections by their labels, in a hash table of bounded
 * size. A series is one flat block, so that copying it is a memcpy. One thread at a time; for the
 * metrics_*.c files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/metric.h"
#include "sidecar/telemetry/metrics.h"

/* The labels that are texts, in the order of the block's texts. */
enum series_text {
    SERIES_SOURCE_WORKLOAD,
    SERIES_SOURCE_NAMESPACE,
    SERIES_SOURCE_PRINCIPAL,
    SERIES_DESTINATION_WORKLOAD,
    SERIES_DESTINATION_NAMESPACE,
    SERIES_DESTINATION_PRINCIPAL,
    SERIES_SERVICE,
    SERIES_SERVICE_NAME,
    SERIES_SERVICE_NAMESPACE,
    SERIES_TEXT_COUNT
};

/* Equal ids are one series: the hashes stand for the texts. */
struct series_id {
    uint64_t source, destination, service;
    uint64_t rest; /* everything that is a number, packed */
};

/* Followed by two histograms of sizes where has_sizes says so, then by the texts. */
struct series {
    uint64_t hash;
    struct series_id id;
    enum metrics_reporter reporter;
    enum metrics_security security;
    enum metrics_protocol protocol;
    enum fail fail; /* the first of those that share its flag */
    uint16_t status;
    int16_t grpc_status;
    bool touched; /* since the last expiry */
    bool has_sizes;
    uint64_t idle_from_ms; /* when it was last seen untouched */
    metric_value requests;
    struct histogram duration;
    metric_value opened, closed, sent, received;
    uint16_t text_len[SERIES_TEXT_COUNT];
    _Alignas(struct histogram) char rest[];
};

enum series_size { SERIES_REQUEST_SIZE, SERIES_RESPONSE_SIZE, SERIES_SIZE_COUNT };

/* NULL where sizes are not counted. */
static inline struct histogram *series_size(const struct series *s, enum series_size which)
{
    return s->has_sizes ? (struct histogram *)(uintptr_t)s->rest + which : NULL;
}

struct series_table {
    struct series **slots;
    size_t capacity, count;
    size_t text_bytes, text_max; /* of all series together; 0: without limit */
    bool has_sizes;              /* series have them */
    struct series *overflow[2];  /* of requests, of connections */
};

void series_init(struct series_table *t, size_t text_max);
void series_dispose(struct series_table *t);
/* The one of that key, made if need be. When there are METRICS_SERIES_MAX, or their texts would
 * take more than text_max bytes, the overflow series, and *overflowed is set. */
struct series *series_of(struct series_table *t, const struct metrics_key *key, bool *overflowed);
/* Sizes are counted from now on, or no more; everything else of a series stays. */
void series_count_sizes(struct series_table *t, bool on);
void series_expire(struct series_table *t, uint64_t now_ms);
/* Adds every series of `from`. */
void series_merge(struct series_table *to, const struct series_table *from);
/* Iterates: size_t at = 0; while ((s = series_next(t, &at))). The overflow series come last. */
const struct series *series_next(const struct series_table *t, size_t *at);
struct slice series_text(const struct series *s, enum series_text which);
