/* The rules for one header block: what is refused and with which status, what a good one becomes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_head.h"

#include <string.h>

#include "lib/base/mem.h"

#include "tests/unit/lib/codec/cmocka_codec.h"

static const struct h2_head_limits limits = {.max_bytes = 4096, .max_count = 20, .max_target = 100};

#define GET ":method", "GET", ":scheme", "https", ":path", "/a?b=c", ":authority", "example.com"

static void add(struct h2_head *h, const char *name, const char *value)
{
    struct hpack_field f = {.name = slice_from_cstr(name), .value = slice_from_cstr(value)};
    f.id = hpack_table_id_of(f.name);
    h2_head_add(h, &f);
}

/* fields: name, value, …, NULL. */
static void fill(struct h2_head *h, enum h2_head_kind kind, bool ends, const char *const *fields)
{
    h2_head_begin(h, kind, ends);
    for (; *fields; fields += 2)
        add(h, fields[0], fields[1]);
}

static unsigned verdict(enum h2_head_kind kind, bool ends, const char *const *fields)
{
    struct h2_head h;
    h2_head_init(&h, &limits);
    fill(&h, kind, ends, fields);
    bool fine = h2_head_check(&h);
    unsigned status = h.fault;
    assert_int_equal(fine, status == 0);
    assert_int_equal(fine, h.reason == NULL);
    h2_head_reset(&h);
    return status;
}

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void good_requests(void **state)
{
    static const char *const good[][20] = {
        {GET},
        {GET, "accept", "*/*", "x-thing", ""},
        {GET, "host", "example.com"},
        {GET, "host", "EXAMPLE.com"},
        {GET, "te", "trailers"},
        {GET, "te", "Trailers"},
        {GET, "content-length", "0"},
        {GET, "cookie", "a=b"},
        {GET, "x-obs-text", "caf\xc3\xa9"},
        {GET, "x-tab", "a\tb"},
        {GET, "x-longer-than-a-word", "a longer value with spaces in it"},
        {":method", "GET", ":scheme", "http", ":path", "/", "host", "example.com"},
        {":method", "OPTIONS", ":scheme", "http", ":path", "*", ":authority", "example.com"},
        {":path", "/", ":authority", "[::1]:8080", ":scheme", "http", ":method", "PROPFIND"},
        {":path", "/", ":authority", "a.", ":scheme", "HTTPS", ":method", "list"},
        {":path", "/\"<>\\\xc3\xa9", ":authority", "a", ":scheme", "http", ":method", "BAN"},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(verdict(H2_HEAD_REQUEST, true, good[i]), 0);
}

static const char *const malformed[][20] = {
    {"accept", "*/*"},
    {":method", "GET", ":scheme", "https", ":path", "/"},
    {":scheme", "https", ":path", "/", ":authority", "a"},
    {":method", "GET", ":path", "/", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":authority", "a"},
    {GET, ":method", "GET"},
    {GET, ":path", "/"},
    {GET, ":status", "200"},
    {GET, ":protocol", "websocket"},
    {GET, ":unknown", "x"},
    {":method", "GET", "accept", "*/*", ":scheme", "https", ":path", "/", ":authority", "a"},
    {":method", "", ":scheme", "https", ":path", "/", ":authority", "a"},
    {":method", "G T", ":scheme", "https", ":path", "/", ":authority", "a"},
    {":method", "GET", ":scheme", "ftp", ":path", "/", ":authority", "a"},
    {":method", "get", ":scheme", "http", ":path", "/", ":authority", "a"},
    {":method", "Delete", ":scheme", "http", ":path", "/", ":authority", "a"},
    {":method", "GET", ":scheme", "http", ":path", "/\xe9", ":authority", "a"},
    {":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a.."},
    {":method", "TRACE", ":scheme", "http", ":path", "/", ":authority", "a", "content-length", "0"},
    {":method", "GET", ":scheme", "", ":path", "/", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":path", "", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":path", "a", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":path", "*", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":path", "/a b", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":path", "/a#b", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":path", "/a\r\nb", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":path", "http://a/", ":authority", "a"},
    {":method", "OPTIONS", ":scheme", "https", ":path", "**", ":authority", "a"},
    {":method", "GET", ":scheme", "https", ":path", "/", ":authority", ""},
    {":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a@b"},
    {":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a/b"},
    {GET, "host", "other.com"},
    {GET, "host", "example.com", "host", "example.com"},
    {GET, "host", ""},
    {GET, "Accept", "*/*"},
    {GET, "", "x"},
    {GET, "a b", "x"},
    {GET, "a:b", "x"},
    {GET, "a\r\nb", "x"},
    {GET, "connection", "close"},
    {GET, "keep-alive", "timeout=5"},
    {GET, "proxy-connection", "close"},
    {GET, "transfer-encoding", "chunked"},
    {GET, "upgrade", "websocket"},
    {GET, "http2-settings", "AAMAAABk"},
    {GET, "te", "gzip"},
    {GET, "te", "trailers, gzip"},
    {GET, "content-length", "1"},
    {GET, "content-length", "0", "content-length", "0"},
    {GET, "content-length", ""},
    {GET, "content-length", "+0"},
    {GET, "content-length", "0x0"},
    {GET, "content-length", "9223372036854775808"},
    {GET, "content_length", "0"},
    {GET, "transfer_encoding", "chunked"},
    {GET, "content-length", "00"},
    {GET, "x-thing", " leading"},
    {GET, "x-thing", "trailing "},
    {GET, "x-thing", "\ttab"},
    {GET, "x-thing", "tab\t"},
    {GET, "x-thing", "a\rb"},
    {GET, "x-thing", "a\nb"},
    {GET, "x-thing", "a long value that is odd\x01in its middle"},
    {GET, "x-thing", "a long value that is odd at its end\x7f"},
    {GET, "x-thing",
     "\x1f"
     "a long value that is odd at once"},
    {GET, "x-thing", "a long value with blank end "},
};

static void bad_requests(void **state)
{
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        unsigned got = verdict(H2_HEAD_REQUEST, true, malformed[i]);
        if (got != 400)
            fail_msg("case %zu (%s): %u", i, malformed[i][8] ? malformed[i][8] : malformed[i][0],
                     got);
    }
}

static void nul_in_a_value(void **state)
{
    struct h2_head h;
    h2_head_init(&h, &limits);
    for (size_t len = 1; len < 40; len++) {
        char value[40];
        memset(value, 'v', sizeof(value));
        for (size_t at = 0; at < len; at++) {
            value[at] = 0;
            fill(&h, H2_HEAD_REQUEST, true, FIELDS(GET));
            struct hpack_field f = {.name = SLICE("x-thing"), .value = slice_of(value, len)};
            h2_head_add(&h, &f);
            assert_int_equal(h.fault, 400);
            value[at] = 'v';
        }
    }
    h2_head_reset(&h);
}

static void connect_is_refused_unless_asked_for(void **state)
{
    const char *const *connect = FIELDS(":method", "CONNECT", ":authority", "example.com:443");
    assert_int_equal(verdict(H2_HEAD_REQUEST, false, connect), 501);
    assert_int_equal(verdict(H2_HEAD_REQUEST, false, FIELDS(":method", "CONNECT")), 400);
    assert_int_equal(verdict(H2_HEAD_REQUEST, false,
                             FIELDS(":method", "CONNECT", ":authority", "a:1", ":path", "/")),
                     400);
    struct h2_head_limits open = limits;
    open.allow_connect = true;
    struct h2_head h;
    struct arena arena;
    arena_init(&arena, 1024);
    h2_head_init(&h, &open);
    fill(&h, H2_HEAD_REQUEST, false, connect);
    assert_true(h2_head_check(&h));
    struct message *m = h2_head_take_message(&h, &arena);
    assert_true(slice_eq_cstr(m->authority, "example.com:443"));
    assert_true(slice_is_empty(m->path));
    arena_dispose(&arena);
}

static void limits_have_their_own_status(void **state)
{
    struct h2_head h;
    char long_path[128] = "/";
    memset(long_path + 1, 'a', sizeof(long_path) - 2);
    assert_int_equal(verdict(H2_HEAD_REQUEST, true,
                             FIELDS(":method", "GET", ":scheme", "https", ":authority", "a",
                                    ":path", long_path)),
                     414);
    h2_head_init(&h, &limits);
    fill(&h, H2_HEAD_REQUEST, true, FIELDS(GET));
    for (unsigned i = 0; i < 18; i++) /* and the host */
        add(&h, "x-thing", "v");
    for (unsigned i = 0; i < 30; i++) /* one field */
        add(&h, "cookie", "a=b");
    assert_int_equal(h.fault, 0);
    add(&h, "x-thing", "v");
    assert_int_equal(h.fault, 431);
    fill(&h, H2_HEAD_REQUEST, true, FIELDS(GET));
    char big[1024];
    memset(big, 'b', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    for (unsigned i = 0; i < 3; i++)
        add(&h, "x-thing", big);
    assert_int_equal(h.fault, 0);
    add(&h, "x-thing", big);
    assert_int_equal(h.fault, 431);
    /* What is dropped counts as well. */
    uint64_t before = h.list_bytes;
    add(&h, "x-thing", big);
    assert_int_equal(h.list_bytes, before + 1023 + 7 + 32);
    h2_head_reset(&h);
}

static void responses(void **state)
{
    assert_int_equal(verdict(H2_HEAD_RESPONSE, true, FIELDS(":status", "200")), 0);
    assert_int_equal(verdict(H2_HEAD_RESPONSE, false, FIELDS(":status", "103", "link", "</a>")), 0);
    assert_int_equal(verdict(H2_HEAD_RESPONSE, true, FIELDS(":status", "204")), 0);
    assert_int_equal(
        verdict(H2_HEAD_RESPONSE, true, FIELDS(":status", "204", "content-length", "0")), 0);
    static const char *const bad[][8] = {
        {"server", "x"},
        {":status", "20"},
        {":status", "2000"},
        {":status", "2x0"},
        {":status", "099"},
        {":status", "101"},
        {":status", ""},
        {":status", "200", ":status", "200"},
        {":status", "200", ":path", "/"},
        {"server", "x", ":status", "200"},
        {":status", "100"}, /* ends the stream */
        {":status", "200", "host", "a"},
        {":status", "200", "connection", "close"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(verdict(H2_HEAD_RESPONSE, true, bad[i]), 400);
    static const char *const lengths[] = {"0", "5", "05", "x"};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct h2_head h;
        h2_head_init(&h, &limits);
        for (unsigned j = 0; j < 2; j++) { /* what frames nothing is left out */
            fill(&h, H2_HEAD_RESPONSE, j,
                 FIELDS(":status", j ? "204" : "103", "content-length", lengths[i]));
            assert_true(h2_head_check(&h));
            assert_int_equal(h.count, 0);
            assert_int_equal(h.content_length, -1);
        }
        h2_head_reset(&h);
    }
}

static void trailers(void **state)
{
    assert_int_equal(verdict(H2_HEAD_TRAILERS, true, FIELDS("grpc-status", "0")), 0);
    assert_int_equal(verdict(H2_HEAD_TRAILERS, false, FIELDS("grpc-status", "0")), 400);
    static const char *const bad[][4] = {
        {":status", "200"}, {":path", "/"},      {"content-length", "0"},
        {"host", "a"},      {"te", "trailers"},  {"transfer-encoding", "chunked"},
        {"trailer", "a"},   {"connection", "x"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(verdict(H2_HEAD_TRAILERS, true, bad[i]), 400);
    struct h2_head_limits requests = limits;
    requests.takes_requests = true;
    for (unsigned i = 0; i < 2; i++) {
        struct h2_head h;
        h2_head_init(&h, i ? &requests : &limits);
        fill(&h, H2_HEAD_TRAILERS, true, FIELDS("set-cookie", "a", "x", "b"));
        assert_int_equal(h2_head_check(&h), !i);
        if (!i)
            assert_int_equal(h.count, 1);
        h2_head_reset(&h);
    }
}

static struct message *take(struct arena *arena, const char *const *fields)
{
    struct h2_head h;
    h2_head_init(&h, &limits);
    fill(&h, H2_HEAD_REQUEST, false, fields);
    assert_true(h2_head_check(&h));
    struct message *m = h2_head_take_message(&h, arena);
    assert_null(h.bytes);
    return m;
}

static void message_is_built(void **state)
{
    struct arena arena;
    arena_init(&arena, 1024);
    struct message *m = take(&arena, FIELDS(GET, "x-one", "1", "content-length", "12", "expect",
                                            "100-continue", "x-one", "2", "host", "example.com"));
    assert_int_equal(m->version, HTTP_2);
    assert_int_equal(m->status, 0);
    assert_true(slice_eq_cstr(m->method, "GET"));
    assert_true(slice_eq_cstr(m->scheme, "https"));
    assert_true(slice_eq_cstr(m->authority, "example.com"));
    assert_true(slice_eq_cstr(m->path, "/a?b=c"));
    assert_int_equal(m->content_length, 12);
    assert_true(m->expect_continue);
    assert_int_equal(m->headers.count, 4); /* host is gone, the rest in order */
    assert_true(slice_eq_cstr(m->headers.items[0].name, "x-one"));
    assert_true(slice_eq_cstr(m->headers.items[3].value, "2"));
    assert_int_equal(m->headers.items[1].id, HEADER_CONTENT_LENGTH);
    assert_int_equal(m->headers.bytes, 5 + 1 + 32 + 14 + 2 + 32 + 6 + 12 + 32 + 5 + 1 + 32);
    assert_ptr_equal(m->headers.arena, &arena);
    m = take(&arena,
             FIELDS(":method", "GET", ":scheme", "http", ":path", "/", "host", "from.host"));
    assert_true(slice_eq_cstr(m->authority, "from.host"));
    assert_int_equal(m->headers.count, 0);
    assert_int_equal(m->content_length, -1);
    arena_dispose(&arena);
}

static void cookie_crumbs_are_joined(void **state)
{
    struct arena arena;
    arena_init(&arena, 1024);
    struct message *m = take(&arena, FIELDS(GET, "x-a", "1", "cookie", "a=b", "x-b", "2", "cookie",
                                            "c=d", "cookie", "e=f"));
    assert_int_equal(m->headers.count, 3);
    assert_int_equal(m->headers.items[1].id, HEADER_COOKIE);
    assert_true(slice_eq_cstr(m->headers.items[1].value, "a=b; c=d; e=f"));
    assert_int_equal(m->headers.bytes, 2 * (3 + 1 + 32) + 6 + 13 + 32);
    arena_dispose(&arena);
}

static void long_blocks_get_their_own_memory(void **state)
{
    struct h2_head_limits wide = {.max_bytes = 1 << 20, .max_count = 1000, .max_target = 100};
    struct h2_head one, two;
    struct arena arena;
    arena_init(&arena, 1024);
    h2_head_init(&one, &wide);
    h2_head_init(&two, &wide);
    fill(&one, H2_HEAD_REQUEST, true, FIELDS(GET));
    fill(&two, H2_HEAD_REQUEST, true, FIELDS(GET)); /* at the same time */
    for (unsigned i = 0; i < 500; i++) {
        add(&one, "x-first", "the value of the first block");
        add(&two, "x-second", "another");
    }
    assert_true(h2_head_check(&one));
    assert_true(h2_head_check(&two));
    struct message *m = h2_head_take_message(&one, &arena);
    assert_int_equal(m->headers.count, 500);
    assert_true(slice_eq_cstr(m->headers.items[499].value, "the value of the first block"));
    m = h2_head_take_message(&two, &arena);
    assert_int_equal(m->headers.count, 500);
    assert_true(slice_eq_cstr(m->headers.items[0].name, "x-second"));
    arena_dispose(&arena);
}

static void verdict_on_an_entry_is_kept(void **state)
{
    struct h2_head h;
    bool good = false;
    struct hpack_field f = {.name = SLICE("x-thing"), .value = SLICE("v"), .is_good = &good};
    h2_head_init(&h, &limits);
    fill(&h, H2_HEAD_REQUEST, true, FIELDS(GET));
    h2_head_add(&h, &f);
    assert_true(good);
    good = false;
    f.value = SLICE("v\n");
    h2_head_add(&h, &f);
    assert_false(good);
    assert_int_equal(h.fault, 400);
    h2_head_reset(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(nul_in_a_value),
        cmocka_unit_test(connect_is_refused_unless_asked_for),
        cmocka_unit_test(limits_have_their_own_status),
        cmocka_unit_test(responses),
        cmocka_unit_test(trailers),
        cmocka_unit_test(message_is_built),
        cmocka_unit_test(cookie_crumbs_are_joined),
        cmocka_unit_test(long_blocks_get_their_own_memory),
        cmocka_unit_test(verdict_on_an_entry_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
