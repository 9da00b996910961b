/* Which responses are kept and for how long they are fresh, as a table: what the public tests of
 * HTTP caches find out about a cache, with the values that RFC 9111 wants.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_conditions.h"
#include "filters/cache/cache_fresh.h"
#include "tests/unit/filters/bed_head.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

#define NOON INT64_C(1767268800000) /* Thu, 01 Jan 2026 12:00:00 GMT */
enum { NO = -1, ALWAYS_STALE = 0 };

/* How many seconds it is still fresh when it comes; NO: it is not kept. */
static const struct {
    const char *head;
    int64_t fresh_s;
    uint16_t status; /* 0: 200 */
    bool is_personal, has_ttl;
} rows[] = {
    /* Cache-Control: numbers */
    {.head = "cache-control: max-age=3600\n", .fresh_s = 3600},
    {.head = "cache-control: max-age=0\netag: \"a\"\n", .fresh_s = ALWAYS_STALE},
    {.head = "cache-control: max-age=0\n", .fresh_s = NO},
    {.head = "cache-control: MaX-aGe=3600\n", .fresh_s = 3600},
    {.head = "cache-control: foobar, max-age=3600\n", .fresh_s = 3600},
    {.head = "cache-control: max-age=2147483647\n", .fresh_s = 31536000},
    {.head = "cache-control: max-age=2147483648\n", .fresh_s = 31536000},
    {.head = "cache-control: max-age=99999999999999999999\n", .fresh_s = 31536000},
    {.head = "cache-control: max-age=-3600\n", .fresh_s = NO},
    {.head = "cache-control: max-age=3600.0\n", .fresh_s = NO},
    {.head = "cache-control: max-age=a100\n", .fresh_s = NO},
    {.head = "cache-control: max-age=100a\n", .fresh_s = NO},
    {.head = "cache-control: max-age='3600'\n", .fresh_s = NO},
    {.head = "cache-control: max-age=\"3600\"\n", .fresh_s = 3600},
    {.head = "cache-control: max-age=003600\n", .fresh_s = 3600},
    {.head = "cache-control: ext=\"max-age=3600\"\n", .fresh_s = NO},
    {.head = "cache-control: ext=\"max-age=3600, a\", max-age=1\n", .fresh_s = 1},
    {.head = "cache-control: max-age=1, ext=\"max-age=3600\"\n", .fresh_s = 1},
    {.head = "cache-control: max-age=3600, max-age=1\n", .fresh_s = 1},
    {.head = "cache-control: max-age=1\ncache-control: max-age=3600\n", .fresh_s = 1},
    /* and whom they are for */
    {.head = "cache-control: s-maxage=3600\n", .fresh_s = 3600},
    {.head = "cache-control: max-age=10, s-maxage=3600\n", .fresh_s = 3600},
    {.head = "cache-control: s-maxage=3600, max-age=10\n", .fresh_s = 3600},
    {.head = "cache-control: max-age=3600, s-maxage=1\n", .fresh_s = 1},
    {.head = "cache-control: max-age=3600, private\n", .fresh_s = NO},
    {.head = "cache-control: s-maxage=3600, private\n", .fresh_s = NO},
    {.head = "cache-control: no-store, max-age=3600\n", .fresh_s = NO},
    {.head = "cache-control: No-StOrE\n", .fresh_s = NO, .has_ttl = true},
    {.head = "cache-control: no-cache, max-age=3600\n", .fresh_s = NO},
    {.head = "cache-control: no-cache\nlast-modified: Thu, 01 Jan 2026 11:00:00 GMT\n",
     .fresh_s = ALWAYS_STALE},
    {.head = "cache-control: max-age=3600, must-understand, no-store\n", .fresh_s = 3600},
    {.head = "cache-control: max-age=3600, must-understand, no-store\n",
     .fresh_s = NO, .status = 599},
    {.head = "cache-control: max-age=3600\n", .fresh_s = 3600, .status = 599},
    /* Expires */
    {.head = "expires: Thu, 01 Jan 2026 13:00:00 GMT\n", .fresh_s = 3600},
    {.head = "expires: Thu, 01 Jan 2026 11:59:59 GMT\n", .fresh_s = NO},
    {.head = "expires: Thu, 01 Jan 2026 12:00:00 GMT\n", .fresh_s = NO},
    {.head = "expires: Thursday, 01-Jan-26 13:00:00 GMT\n", .fresh_s = 3600},
    {.head = "expires: Thu Jan  1 13:00:00 2026\n", .fresh_s = 3600},
    {.head = "expires: Tue, 19 Jan 2038 14:14:08 GMT\n", .fresh_s = 31536000},
    {.head = "expires: Sun, 21 Nov 2286 04:46:39 GMT\n", .fresh_s = 31536000},
    {.head = "expires: 0\n", .fresh_s = NO},
    {.head = "expires: Thu, 01 Jan 2026 13:00:00 UTC\n", .fresh_s = NO},
    {.head = "expires: Thu, 01 Jan 26 13:00:00 GMT\n", .fresh_s = NO},
    {.head = "expires: Thu 01 Jan 2026 13:00:00 GMT\n", .fresh_s = NO},
    {.head = "expires: Thu, 01  Jan 2026 13:00:00 GMT\n", .fresh_s = NO},
    {.head = "expires: Thu, 01-Jan-2026 13:00:00 GMT\n", .fresh_s = NO},
    {.head = "expires: Thu, 01 Jan 2026 13.00.00 GMT\n", .fresh_s = NO},
    {.head = "expires: Thu, 01 Jan 2026 1:00:00 GMT\n", .fresh_s = NO},
    {.head = "expires: Thu, 01 Jan 2026 13:00:00 GMT\nexpires: Thu, 01 Jan 2026 14:00:00 GMT\n",
     .fresh_s = NO},
    {.head = "expires: Thu, 01 Jan 2026 11:00:00 GMT\ncache-control: max-age=3600\n",
     .fresh_s = 3600},
    {.head = "expires: Thu, 01 Jan 2026 13:00:00 GMT\ncache-control: max-age=0\n", .fresh_s = NO},
    {.head = "expires: 0\ncache-control: max-age=3600\n", .fresh_s = 3600},
    /* Age and Date */
    {.head = "cache-control: max-age=3600\nage: 1800\n", .fresh_s = 1800},
    {.head = "cache-control: max-age=3600\nage: 3600\n", .fresh_s = NO},
    {.head = "cache-control: max-age=3600\nage: 1800, 0\n", .fresh_s = 1800},
    {.head = "cache-control: max-age=3600\nage: abc\n", .fresh_s = 3600},
    {.head = "cache-control: max-age=3600\nage: -7200\n", .fresh_s = 3600},
    {.head = "cache-control: max-age=3600\nage: 2147483648\n", .fresh_s = NO},
    {.head = "cache-control: max-age=3600\nage: 99999999999\n", .fresh_s = NO},
    {.head = "cache-control: max-age=3600\ndate: Thu, 01 Jan 2026 11:30:00 GMT\n", .fresh_s = 1800},
    {.head = "cache-control: max-age=3600\ndate: Thu, 01 Jan 2026 12:30:00 GMT\n", .fresh_s = 3600},
    {.head = "expires: Thu, 01 Jan 2026 13:00:00 GMT\ndate: Thu, 01 Jan 2026 11:00:00 GMT\n",
     .fresh_s = 3600},
    {.head = "expires: Thu, 01 Jan 2026 13:00:00 GMT\ndate: Thu, 01 Jan 2026 12:30:00 GMT\n",
     .fresh_s = 1800},
    {.head = "expires: Thu, 01 Jan 2026 13:00:00 GMT\nage: 7200\n", .fresh_s = NO},
    /* Nobody says, or the filter does. */
    {.head = "", .fresh_s = NO},
    {.head = "last-modified: Thu, 01 Jan 2026 00:00:00 GMT\n", .fresh_s = NO},
    {.head = "", .fresh_s = 300, .has_ttl = true},
    {.head = "cache-control: public\n", .fresh_s = 300, .has_ttl = true},
    {.head = "cache-control: max-age=10\n", .fresh_s = 10, .has_ttl = true},
    {.head = "", .fresh_s = NO, .status = 500, .has_ttl = true},
    {.head = "cache-control: max-age=10\n", .fresh_s = 10, .status = 500},
    {.head = "cache-control: max-age=10\n", .fresh_s = NO, .status = 206},
    {.head = "cache-control: max-age=10\n", .fresh_s = NO, .status = 304},
    /* What others may not have */
    {.head = "cache-control: max-age=10\nset-cookie: a=b\n", .fresh_s = NO},
    {.head = "cache-control: max-age=10\nvary: *\n", .fresh_s = NO},
    {.head = "cache-control: max-age=10\nvary: *, *\n", .fresh_s = NO},
    {.head = "cache-control: max-age=10\nvary: , *\n", .fresh_s = NO},
    {.head = "cache-control: max-age=10\nvary: a\nvary: *\n", .fresh_s = NO},
    {.head = "cache-control: max-age=10\nvary: a, b\n", .fresh_s = 10},
    {.head = "cache-control: max-age=10\n", .fresh_s = NO, .is_personal = true},
    {.head = "", .fresh_s = NO, .is_personal = true, .has_ttl = true},
    {.head = "cache-control: max-age=10, public\n", .fresh_s = 10, .is_personal = true},
    {.head = "cache-control: max-age=10, must-revalidate\n", .fresh_s = 10, .is_personal = true},
    {.head = "cache-control: s-maxage=10\n", .fresh_s = 10, .is_personal = true},
};

static int64_t fresh_s(size_t i, struct arena *arena)
{
    static const struct cache_ttl ttl = {200, 200, 300000};
    const struct cache_rules rules = {.ttls = &ttl, .ttl_count = rows[i].has_ttl};
    struct message m;
    struct cache_times t;
    bool ignored = false;
    struct slice head = slice_from_cstr(rows[i].head);
    message_init(&m, arena);
    bed_head_fields(&head, &m, &ignored);
    m.status = rows[i].status ? rows[i].status : 200;
    struct cache_question q = {
        .response = &m, .is_personal = rows[i].is_personal, .now_ms = NOON};
    if (cache_fresh_judge(&rules, &q, &t) != CACHE_STORE)
        return NO;
    return t.fresh_ms > t.age_ms ? (t.fresh_ms - t.age_ms) / 1000 : 0;
}

static void the_table(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = fresh_s(i, &arena);
        if (got != rows[i].fresh_s)
            fail_msg("%s(%u): %lld, not %lld", rows[i].head, (unsigned)rows[i].status,
                     (long long)got, (long long)rows[i].fresh_s);
    }
    arena_dispose(&arena);
}

/* ---- conditions ---- */

static const struct {
    const char *request, *stored;
    bool holds;
} conditions[] = {
    {"if-none-match: \"a\"\n", "etag: \"a\"\n", true},
    {"if-none-match: W/\"a\"\n", "etag: \"a\"\n", true},
    {"if-none-match: \"a\"\n", "etag: W/\"a\"\n", true},
    {"if-none-match: w/\"a\"\n", "etag: W/\"a\"\n", false},
    {"if-none-match: W\\\"a\"\n", "etag: W/\"a\"\n", false},
    {"if-none-match: W\"a\"\n", "etag: W/\"a\"\n", false},
    {"if-none-match: \"x\", \"a\"\n", "etag: \"a\"\n", true},
    {"if-none-match: \"x,y\",\"a\" , \"z\"\n", "etag: \"a\"\n", true},
    {"if-none-match: \"x,\"a\"\n", "etag: \"a\"\n", false},
    {"if-none-match: \"x\"\nif-none-match: \"a\"\n", "etag: \"a\"\n", true},
    {"if-none-match: *\n", "etag: \"a\"\n", true},
    {"if-none-match: \"a\"\n", "", false},
    {"if-none-match: \n", "etag: \"a\"\n", false},
    {"if-none-match: \"b\"\nif-modified-since: Thu, 01 Jan 2026 12:00:00 GMT\n",
     "etag: \"a\"\nlast-modified: Thu, 01 Jan 2026 11:00:00 GMT\n", false},
    {"if-modified-since: Thu, 01 Jan 2026 11:00:00 GMT\n",
     "last-modified: Thu, 01 Jan 2026 11:00:00 GMT\n", true},
    {"if-modified-since: Thursday, 01-Jan-26 11:00:00 GMT\n",
     "last-modified: Thu, 01 Jan 2026 11:00:00 GMT\n", true},
    {"if-modified-since: Thu, 01 Jan 2026 10:59:59 GMT\n",
     "last-modified: Thu, 01 Jan 2026 11:00:00 GMT\n", false},
    {"if-modified-since: Thu, 01 Jan 2026 11:00:00 GMT\n",
     "date: Thu, 01 Jan 2026 10:00:00 GMT\n", true},
    {"if-modified-since: yesterday\n", "last-modified: Thu, 01 Jan 2026 11:00:00 GMT\n", false},
};

static const struct {
    const char *request;
    enum cache_range_verdict verdict;
    uint64_t from, len; /* of ten bytes, with the tag "a" */
} ranges[] = {
    {"range: bytes=0-0\n", CACHE_RANGE_PART, 0, 1},
    {"range: bytes=2-5\n", CACHE_RANGE_PART, 2, 4},
    {"range: bytes=2-\n", CACHE_RANGE_PART, 2, 8},
    {"range: bytes=2-99\n", CACHE_RANGE_PART, 2, 8},
    {"range: bytes=-3\n", CACHE_RANGE_PART, 7, 3},
    {"range: bytes=-99\n", CACHE_RANGE_PART, 0, 10},
    {"range: Bytes=0-1\n", CACHE_RANGE_PART, 0, 2},
    {"range: bytes=0-18446744073709551615\n", CACHE_RANGE_PART, 0, 10},
    {"range: bytes=10-\n", CACHE_RANGE_BEYOND, 0, 0},
    {"range: bytes=-0\n", CACHE_RANGE_BEYOND, 0, 0},
    {"range: bytes=5-2\n", CACHE_RANGE_NONE, 0, 0},
    {"range: bytes=0-1,3-4\n", CACHE_RANGE_NONE, 0, 0},
    {"range: lines=0-1\n", CACHE_RANGE_NONE, 0, 0},
    {"range: bytes=\n", CACHE_RANGE_NONE, 0, 0},
    {"range: bytes=a-b\n", CACHE_RANGE_NONE, 0, 0},
    {"range: bytes=0-99999999999999999999\n", CACHE_RANGE_NONE, 0, 0},
    {"range: bytes=0-1\nif-range: \"a\"\n", CACHE_RANGE_PART, 0, 2},
    {"range: bytes=0-1\nif-range: W/\"a\"\n", CACHE_RANGE_NONE, 0, 0},
    {"range: bytes=0-1\nif-range: \"b\"\n", CACHE_RANGE_NONE, 0, 0},
    {"range: bytes=0-1\nif-range: Thu, 01 Jan 2026 11:00:00 GMT\n", CACHE_RANGE_PART, 0, 2},
    {"range: bytes=0-1\nif-range: Thu, 01 Jan 2026 11:00:01 GMT\n", CACHE_RANGE_NONE, 0, 0},
};

static struct headers read_fields(struct arena *arena, const char *text)
{
    struct message m;
    bool ignored = false;
    struct slice head = slice_from_cstr(text);
    message_init(&m, arena);
    bed_head_fields(&head, &m, &ignored);
    return m.headers;
}

static void conditions_and_ranges(void **state)
{
    static const char stored_text[] =
        "etag: \"a\"\nlast-modified: Thu, 01 Jan 2026 11:00:00 GMT\n";
    struct arena arena;
    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        struct headers request = read_fields(&arena, conditions[i].request);
        struct headers stored = read_fields(&arena, conditions[i].stored);
        if (cache_conditions_hold(&request, &stored, NOON) != conditions[i].holds)
            fail_msg("%s/ %s", conditions[i].request, conditions[i].stored);
    }
    struct headers stored = read_fields(&arena, stored_text);
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct cache_range r = {0};
        struct headers request = read_fields(&arena, ranges[i].request);
        enum cache_range_verdict v = cache_conditions_range(&request, &stored, 10, &r);
        if (v != ranges[i].verdict ||
            (v == CACHE_RANGE_PART && (r.from != ranges[i].from || r.len != ranges[i].len)))
            fail_msg("%s: %d, %llu+%llu", ranges[i].request, (int)v, (unsigned long long)r.from,
                     (unsigned long long)r.len);
    }
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table),
        cmocka_unit_test(conditions_and_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
