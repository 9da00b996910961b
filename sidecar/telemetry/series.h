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

struct series {
    uint64_t hash;
    struct series_id id;
    enum metrics_reporter reporter;
    enum metrics_security security;
    enum metrics_protocol protocol;
    enum fail fail; /* the first of those that share its flag */
    uint16_t status;
    int16_t grpc_status;
    bool touched;          /* since the last expiry */
    uint64_t idle_from_ms; /* when it was last seen untouched */
    metric_value requests;
    struct histogram duration, request_bytes, response_bytes;
    metric_value opened, closed, sent, received;
    uint16_t text_len[SERIES_TEXT_COUNT];
    char texts[];
};

struct series_table {
    struct series **slots;
    size_t capacity, count;
    struct series *overflow[2]; /* of requests, of connections */
};

void series_init(struct series_table *t);
void series_dispose(struct series_table *t);
/* The one of that key, made if need be. At METRICS_SERIES_MAX, the overflow series, and *overflowed
 * is set. */
struct series *series_of(struct series_table *t, const struct metrics_key *key, bool *overflowed);
void series_expire(struct series_table *t, uint64_t now_ms);
/* Adds every series of `from`. */
void series_merge(struct series_table *to, const struct series_table *from);
/* Iterates: size_t at = 0; while ((s = series_next(t, &at))). The overflow series come last. */
const struct series *series_next(const struct series_table *t, size_t *at);
struct slice series_text(const struct series *s, enum series_text which);
