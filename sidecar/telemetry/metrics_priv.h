/* A shard's inside, for the metrics_*.c files. One thread at a time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/map.h"
#include "lib/base/metric.h"
#include "sidecar/telemetry/series.h"

/* Counters with one label. */
/* The key of a family with two labels is both values with a space between. */
#define METRICS_LABEL_PAIR_MAX 96
#define METRICS_CONSUMER_MAX 520 /* two names of Kubernetes, and a status */

enum metrics_family {
    FAMILY_HANDSHAKES,
    FAMILY_PLAINTEXT,
    FAMILY_FILTERS,
    FAMILY_UDP_DROPPED,
    FAMILY_CONSUMERS,
    FAMILY_COUNT
};

struct metrics_shard {
    metric_value values[METRICS_COUNT];
    struct map families[FAMILY_COUNT]; /* label value -> metric_value */
    struct series_table series;
};
