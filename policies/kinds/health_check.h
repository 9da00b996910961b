/* How endpoints are asked whether they are healthy: the section healthCheck of TrafficPolicy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

struct health_check_http {
    struct slice path, host; /* host empty: the Service's name */
    int method;              /* index of health_check_methods */
    struct schema_list statuses; /* int64_t; none: 200 to 399 */
};

struct health_check_grpc {
    struct slice service; /* empty: the server as a whole */
};

struct health_check_tcp {
    char none;
};

struct health_check_setting {
    struct health_check_http *http; /* one of these three */
    struct health_check_grpc *grpc;
    struct health_check_tcp *tcp;
    int64_t interval, unhealthy_interval, timeout; /* ms; unhealthy_interval may be SCHEMA_UNSET */
    int64_t healthy_threshold, unhealthy_threshold;
};

extern const char *const health_check_methods[];
extern const struct schema health_check_schema;
