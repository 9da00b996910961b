/* Heads that are cut up without llhttp are what llhttp makes of them, and it has the word on all
 * others. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_plain.h"

#include <stdio.h>

#include "lib/base/rand.h"
#include "lib/codec/http/h1_cut.h"
#include "tests/unit/lib/codec/cmocka_codec.h"

enum { ROUNDS = 200000, HEAD_MAX = 600 };

static const struct h1_limits limits = {
    .header_bytes = 400, .header_count = 8, .target_bytes = 100};

/* What a head is made into. */
struct outcome {
    struct h1_head head;
    enum h1_cut_result result;
    enum h1_bad bad;
};

static struct outcome by_any_road, by_llhttp;
static char text[HEAD_MAX];

static struct h1_rules rules_of(enum h1_role role)
{
    return (struct h1_rules){.limits = limits, .role = role};
}

/* As h1_cut_head, without its short cut. */
static void cut_by_llhttp(const struct h1_rules *rules, size_t len, struct outcome *o)
{
    const uint8_t *data = (const uint8_t *)text;
    o->result = h1_cut_begin(rules, &o->head, data, len, &o->bad);
    const char *newline = o->result == H1_CUT_DONE ? memchr(text, '\n', len) : NULL;
    if (o->result != H1_CUT_DONE)
        return;
    o->result = H1_CUT_MORE;
    if (!newline)
        return;
    o->bad = h1_cut_start_line(rules, &o->head, slice_of(text, (size_t)(newline + 1 - text)));
    o->result = o->bad ? H1_CUT_BAD
                       : h1_cut_any_fields(rules, &o->head, len, &o->bad);
}

static void assert_same_fields(const struct h1_head *a, const struct h1_head *b)
{
    assert_int_equal(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const struct h1_field *f = &a->fields[i], *g = &b->fields[i];
        assert_int_equal(f->name, g->name);
        assert_int_equal(f->name_len, g->name_len);
        assert_int_equal(f->value, g->value);
        assert_int_equal(f->value_len, g->value_len);
        assert_int_equal(f->id, g->id);
        assert_int_equal(f->dropped, g->dropped);
    }
}

/* True: it was taken. */
static bool compare(enum h1_role role, size_t len)
{
    struct h1_rules rules = rules_of(role);
    by_any_road.bad = by_llhttp.bad = H1_BAD_NOTHING;
    by_any_road.result = h1_cut_head(&rules, (const uint8_t *)text, len, &by_any_road.head,
                                     &by_any_road.bad);
    cut_by_llhttp(&rules, len, &by_llhttp);
    const struct h1_head *a = &by_any_road.head, *b = &by_llhttp.head;
    if (by_any_road.result != by_llhttp.result || by_any_road.bad != by_llhttp.bad)
        fail_msg("%d (%d), with llhttp %d (%d): %.*s", by_any_road.result, by_any_road.bad,
                 by_llhttp.result, by_llhttp.bad, (int)len, text);
    if (by_any_road.result != H1_CUT_DONE)
        return false;
    assert_same_fields(a, b);
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->field_bytes, b->field_bytes);
    assert_int_equal(a->content_length, b->content_length);
    assert_int_equal(a->chunked, b->chunked);
    assert_int_equal(a->keep_alive, b->keep_alive);
    assert_true(slice_eq(a->authority, b->authority));
    return true;
}

static const char *const starts[][4] = {
    [H1_REQUEST] = {"GET / HTTP/1.1", "POST /a HTTP/1.1", "PUT /b HTTP/1.0", "HEAD / HTTP/1.1"},
    [H1_RESPONSE] = {"HTTP/1.1 200 OK", "HTTP/1.1 204 No", "HTTP/1.0 304 ", "HTTP/1.1 101 Up"},
};
static const char *const lines[] = {
    "Host: a",         "Host: a",        "Host: a",           "Host:b.example",
    "Content-Length: 5", "Content-Length:5 ", "content-length: +5", "Content-Length: 5, 5",
    "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding:",
    "Connection: close", "Connection: keep-alive, x-hop", "Connection: upgrade",
    "Upgrade: websocket", "x-hop: 1",    "Keep-Alive: timeout=5", "TE: trailers",
    "Expect: 100-continue", "X-Long: 0123456789abcdefghijklmnopqrstuvwxyz", "X-Empty:",
    "X-Blank:   ",     "X-Tab:\ta\tb\t", "X-Inner: a  b   ",  "X-Latin: caf\xe9 \xc3\xa9",
    "Content_Length: 5", "Proxy-Connection: x", "A:", "B: \x01",  "X Y: z", ": no name", " folded",
    "no colon",        "X-Del: aaaaaaa\x7f", "Content-Length: 18446744073709551617",
};

static size_t write_head(struct rand_state *r, enum h1_role role)
{
    size_t len = (size_t)snprintf(text, sizeof(text), "%s\r\n", starts[role][rand_below(r, 4)]);
    for (uint32_t n = rand_below(r, 7); n > 0; n--) {
        uint32_t some = sizeof(lines) / sizeof(lines[0]);
        /* Those at the front are good together more often. */
        uint32_t which = rand_below(r, 3) ? rand_below(r, some / 2) : rand_below(r, some);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\r\n", lines[which]);
    }
    return len + (size_t)snprintf(text + len, sizeof(text) - len, "\r\nbody");
}

static void test_what_llhttp_makes_of_it(void **state)
{
    struct rand_state r;
    unsigned taken = 0;
    rand_seed(&r, 7);
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum h1_role role = rand_below(&r, 2) ? H1_REQUEST : H1_RESPONSE;
        size_t len = write_head(&r, role);
        for (uint32_t n = rand_below(&r, 3); n > 0; n--)
            text[rand_below(&r, (uint32_t)len)] = (char)rand_next(&r);
        taken += compare(role, rand_below(&r, 4) ? len : rand_below(&r, (uint32_t)len));
    }
    assert_in_range(taken, ROUNDS / 10, ROUNDS);
}

/* Every byte, in a name, and at every place of a value of some length. */
static void test_every_byte(void **state)
{
    for (int byte = 0; byte < 256; byte++) {
        for (int at = 0; at < 20; at++) {
            int len = snprintf(text, sizeof(text),
                               "HTTP/1.1 200 OK\r\nX: %.*s@%.*s\r\nY@Z: 1\r\n\r\n", at,
                               "aaaaaaaaaaaaaaaaaaaa", 20 - at, "bbbbbbbbbbbbbbbbbbbb");
            char *value = memchr(text, '@', (size_t)len);
            char *name = memchr(value + 1, '@', (size_t)(text + len - value - 1));
            *name = 'y';
            *value = (char)byte;
            compare(H1_RESPONSE, (size_t)len);
            *value = 'v';
            *name = (char)byte;
            compare(H1_RESPONSE, (size_t)len);
        }
    }
}

static void test_it_is_the_usual_road(void **state)
{
    struct h1_head *h = &by_any_road.head;
    int len = snprintf(text, sizeof(text),
                       "GET / HTTP/1.1\r\nHost: app:80\r\nAccept: */*\r\nX: a b\r\n\r\n");
    h->base = text;
    h->fields_at = sizeof("GET / HTTP/1.1\r\n") - 1;
    assert_true(h1_plain_cut(h, 3, (size_t)len));
    assert_int_equal(h->count, 3);
    assert_int_equal(h->len, len);
    assert_true(slice_eq_cstr(h1_head_name(h, &h->fields[1]), "Accept"));
    assert_true(slice_eq_cstr(h1_head_value(h, &h->fields[2]), "a b"));
    assert_false(h1_plain_cut(h, 2, (size_t)len)); /* more than may be */
    for (int cut = 0; cut < len; cut++)
        if (cut >= (int)h->fields_at)
            assert_false(h1_plain_cut(h, 3, (size_t)cut));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_llhttp_makes_of_it),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_it_is_the_usual_road),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
