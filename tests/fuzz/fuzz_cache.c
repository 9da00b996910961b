/* What a cache reads of heads: Cache-Control, dates, conditions and ranges. The first line is for
 * all of them; a range that is found lies within the body.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "filters/cache/cache_conditions.h"
#include "filters/cache/cache_fresh.h"
#include "lib/codec/http/http_date.h"

#define NOON INT64_C(1767268800000)

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_range(struct arena *arena, struct slice text)
{
    static const uint64_t sizes[] = {0, 1, 10, UINT64_MAX};
    struct headers request, stored;
    struct cache_range r;
    headers_init(&request, arena);
    headers_init(&stored, arena);
    headers_add_id(&request, HEADER_RANGE, text);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (cache_conditions_range(&request, &stored, sizes[i], &r) == CACHE_RANGE_PART)
            require(r.len > 0 && r.from < sizes[i] && r.len <= sizes[i] - r.from);
}

static void check_fresh(struct arena *arena, struct slice text)
{
    const struct cache_rules rules = {0};
    struct message m;
    struct cache_times t;
    message_init(&m, arena);
    m.status = 200;
    headers_add_id(&m.headers, HEADER_CACHE_CONTROL, text);
    headers_add_id(&m.headers, HEADER_AGE, text);
    headers_add_id(&m.headers, HEADER_EXPIRES, text);
    headers_add_id(&m.headers, HEADER_VARY, text);
    struct cache_question q = {.response = &m, .now_ms = NOON};
    if (cache_fresh_judge(&rules, &q, &t) == CACHE_STORE)
        require(t.age_ms >= 0 && t.fresh_ms >= 0 && t.error_ms >= 0 && t.revalidate_ms >= 0);
}

static void check_date(struct slice text)
{
    char again[HTTP_DATE_SIZE];
    int64_t ms, same;
    if (http_date_read_any(text, NOON, &ms))
        return;
    http_date_write(ms, again);
    if (ms >= 0)
        require(!http_date_read(slice_from_cstr(again), &same) && same == ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice text = {(const char *)data, len};
    struct headers request, stored;
    struct arena arena;
    if (len > 4096)
        return 0;
    arena_init(&arena, 4096);
    headers_init(&request, &arena);
    headers_init(&stored, &arena);
    headers_add_id(&request, HEADER_IF_NONE_MATCH, text);
    headers_add_id(&stored, HEADER_ETAG, SLICE("\"a\""));
    cache_conditions_hold(&request, &stored, NOON);
    check_range(&arena, text);
    check_fresh(&arena, text);
    check_date(text);
    arena_dispose(&arena);
    return 0;
}
