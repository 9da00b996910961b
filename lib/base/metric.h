/* Numbers that a worker counts and the control thread reads, and the Prometheus text format
 * (version 0.0.4). A shard has one writing thread; no locks, any thread may read.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

typedef _Atomic uint64_t metric_value;

/* Writing thread only: a plain add, without the bus lock of a read-modify-write. */
static inline void metric_add(metric_value *v, uint64_t n)
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + n,
                          memory_order_relaxed);
}
static inline uint64_t metric_read(const metric_value *v)
{
    return atomic_load_explicit(v, memory_order_relaxed);
}

#define METRIC_BOUNDS 9

/* What a histogram is of, which decides its bounds: durations, from 1 ms to 10 s, observed in
 * microseconds and shown in milliseconds (the bounds are some of Istio's); or sizes in bytes, from
 * 100 bytes to 100 MB. */
enum metric_unit { METRIC_DURATION, METRIC_SIZE };

/* A distribution. All zero is a valid empty one. */
struct histogram {
    metric_value buckets[METRIC_BOUNDS + 1]; /* not cumulative; the last is beyond every bound */
    metric_value sum;
};

void metric_observe_us(struct histogram *h, uint64_t us);
void metric_observe_bytes(struct histogram *h, uint64_t bytes);
/* Adds `from`, which another thread may be writing to, to `to`. */
void metric_merge(struct histogram *to, const struct histogram *from);
uint64_t metric_total(const struct histogram *h);

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_label {
    const char *name;
    struct slice value; /* any bytes; escaped, invalid UTF-8 becomes U+FFFD */
};

/* The HELP and TYPE lines; once before all samples of that name. */
void metric_write_type(struct buf *out, const char *name, enum metric_type type, const char *help);
void metric_write_u64(struct buf *out, const char *name, const struct metric_label *labels,
                      size_t count, uint64_t value);
void metric_write_f64(struct buf *out, const char *name, const struct metric_label *labels,
                      size_t count, double value);
/* <name>_bucket for every bound, <name>_sum and <name>_count; durations in milliseconds. */
void metric_write_histogram(struct buf *out, const char *name, const struct metric_label *labels,
                            size_t count, enum metric_unit unit, const struct histogram *h);
