/* The messages of envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit: what a request is
 * described by, and what the service answers. Worker thread, but for what is said.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "lib/schema/schema_ref.h"

extern const struct schema rate_service_descriptor_schema;

enum rate_service_part {
    RATE_SERVICE_IP,
    RATE_SERVICE_HEADER,
    RATE_SERVICE_PATH,
    RATE_SERVICE_METHOD,
    RATE_SERVICE_ROUTE,
    RATE_SERVICE_CONSUMER,
    RATE_SERVICE_CLAIM,
    RATE_SERVICE_VALUE,
};

/* Immutable. */
struct rate_service_entry {
    enum rate_service_part part;
    struct slice name; /* of a header, in lower case; of a claim */
    struct slice key;
    struct slice value; /* VALUE */
};

struct rate_service_descriptor {
    struct rate_service_entry *entries;
    uint32_t count;
};

struct rate_service {
    struct slice domain;
    uint32_t hits;
    struct rate_service_descriptor *descriptors;
    uint32_t count;
};

/* Control thread, in prepare. descriptors: of rate_service_descriptor_schema's structs. */
void rate_service_prepare(struct arena *arena, struct slice domain, uint32_t hits,
                          const struct schema_list *descriptors, struct rate_service *out);
/* Makes call's request. False: nothing describes this one. */
bool rate_service_ask(struct filter_exchange *x, const struct rate_service *s, uint32_t timeout_ms,
                      struct filter_call *call);

struct rate_service_header {
    struct slice name, value; /* the name in lower case */
};

/* In the exchange's arena. */
struct rate_service_answer {
    bool is_allowed;
    struct slice body; /* of the refusal; may be empty */
    struct rate_service_header *to_backend, *to_client;
    uint32_t to_backend_count, to_client_count;
};

/* False: it is no answer, or says neither yes nor no. Headers that a service may not set are left
 * out. */
bool rate_service_read(struct arena *arena, struct slice message, struct rate_service_answer *out);
