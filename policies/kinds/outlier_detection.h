/* outlierDetection of a TrafficPolicy: when a failing endpoint gets no requests for a while.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

/* Numbers are SCHEMA_UNSET where nothing is said. */
struct traffic_outlier {
    bool disabled;
    int64_t consecutive_failures, window, base_ejection, max_ejection, max_ejection_percent;
    int64_t http_failures, tcp_failures, timeouts; /* each kind for itself */
    struct schema_list http_statuses;              /* int64_t; none: the usual ones */
    int64_t successes;
};

extern const struct schema outlier_detection_schema;
