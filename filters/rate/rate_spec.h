/* What users write of a rateLimit filter. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/rate/rate_store.h"
#include "filters/rate/rate_window.h"
#include "lib/schema/schema.h"

enum rate_by {
    RATE_BY_IP,
    RATE_BY_CONSUMER,
    RATE_BY_CREDENTIAL,
    RATE_BY_HEADER,
    RATE_BY_CLAIM,
    RATE_BY_PATH,
    RATE_BY_ROUTE,
    RATE_BY_GLOBAL,
};

enum rate_headers { RATE_HEADERS_KONG, RATE_HEADERS_X, RATE_HEADERS_DRAFT, RATE_HEADERS_NONE };

struct rate_by_spec {
    int type; /* enum rate_by */
    struct slice name;
};

struct rate_fixed_spec {
    int64_t max[RATE_PERIODS]; /* 0: no such window */
};

struct rate_sliding_spec {
    int64_t max, window_ms;
};

struct rate_bucket_spec {
    int64_t max, per_second; /* the latter in thousandths */
};

struct rate_leaky_spec {
    int64_t per_second, burst;
    bool no_delay;
};

struct rate_cost_spec {
    int64_t units;
    struct slice request_header, response_header, response_field;
};

/* Exactly one of the algorithms. */
struct rate_limit_item {
    struct slice name;
    const struct rate_fixed_spec *fixed;
    const struct rate_sliding_spec *log, *sliding;
    const struct rate_bucket_spec *bucket;
    const struct rate_leaky_spec *leaky;
    struct schema_list by; /* struct rate_by_spec */
    struct rate_cost_spec cost;
};

struct rate_refusal_spec {
    int64_t status;
    struct slice content_type, body;
};

struct rate_spec {
    struct schema_list limits; /* struct rate_limit_item */
    int headers;               /* enum rate_headers */
    int64_t ipv6_prefix;
    struct rate_refusal_spec refusal;
    const struct rate_store_spec *store; /* NULL: this process */
};

extern const struct schema rate_spec_schema;
/* Parts of it that others have too. */
extern const struct schema rate_fixed_schema, rate_bucket_schema, rate_refusal_schema;
extern const struct schema_field rate_by_element;
extern const char *const rate_header_choices[]; /* enum rate_headers */
