/* What finished exchanges and tunnels reported to the metrics, for tests to look at. Only where
 * sim_report.c takes the place of the metrics is it ever written.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "sidecar/telemetry/metrics.h"

struct sim_report {
    unsigned exchanges, tunnels_opened, tunnels_closed, handshakes_failed;
    /* of the last one */
    enum fail fail;
    unsigned status;
    int grpc_status;
    uint64_t request_bytes, response_bytes;
    /* Inbound: "workload namespace principal" of whom it was from, as far as that is known. */
    char source_in[512];
    char filter_event[64]; /* the last one: "faultInjection delay" */
    uint64_t dropped;      /* datagrams */
    char drop_reason[64];  /* of the last ones */
    uint64_t values[METRICS_COUNT]; /* of the plain numbers, over all nodes */
};

extern struct sim_report sim_report;
