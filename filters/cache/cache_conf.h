/* What users write about a cache, and what is made of it. Control thread makes it; any reads it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/cache/cache_fresh.h"
#include "filters/cache/cache_store.h"
#include "filters/filter.h"

enum cache_obeys { CACHE_IGNORE, CACHE_HONOR, CACHE_BYPASS };

/* A request that has it neither gets what is kept, nor is its response kept. */
struct cache_bypass {
    struct slice header, cookie, query, path_prefix; /* one of them; the others are empty */
};

struct cache_conf {
    struct cache_store *store;
    struct cache_rules rules;
    enum cache_obeys client;
    const struct slice *headers, *cookies, *ignored; /* of the key; ignored: of the query */
    uint32_t header_count, cookie_count, ignored_count;
    bool by_consumer;
    const struct cache_bypass *bypasses;
    uint32_t bypass_count;
    int64_t max_bytes;
    size_t object_max;
    uint32_t lock_ms;
    struct slice status_header; /* empty: none */
    bool says_cache_status;     /* RFC 9211 */
};

extern const struct schema cache_spec_schema;

/* As a filter's. */
enum err cache_conf_prepare(const struct filter_build *b, const void *spec, void *conf);
struct slice cache_conf_describe(struct arena *arena, const void *conf, struct slice prefix);
