/* HPACK against the examples of RFC 7541 Appendix C, against itself, against nghttp2's, and
 * against malformed blocks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/codec/h2/hpack_decode.h"
#include "lib/codec/h2/hpack_encode.h"
#include "lib/codec/h2/hpack_huffman.h"

#include "tests/unit/lib/codec/cmocka_codec.h"

/* What a decoder told, as "name: value\n" lines; '!' in front of never-indexed ones. */
struct told {
    char text[65536];
    size_t len;
    unsigned fields;
    unsigned stop_at; /* 0: never */
};

static bool sink(void *owner, const struct hpack_field *f)
{
    struct told *t = owner;
    t->len += (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "%s%.*s: %.*s\n",
                               f->never_index ? "!" : "", SLICE_ARG(f->name), SLICE_ARG(f->value));
    if (f->id != HEADER_OTHER && f->id < HEADER_COUNT)
        assert_true(slice_eq(f->name, header_name_of((enum header_id)f->id)));
    if (f->id == HEADER_OTHER)
        assert_int_equal(header_id_of(f->name), HEADER_OTHER);
    t->fields++;
    return t->fields != t->stop_at;
}

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        out[n++] = (uint8_t)byte;
        hex++;
    }
    return n;
}

static enum hpack_result decode_hex(struct hpack_decoder *d, struct told *t, const char *hex)
{
    uint8_t block[4096];
    size_t len = unhex(hex, block), used;
    t->len = 0;
    t->text[0] = 0;
    hpack_decode_begin(d);
    enum hpack_result r = hpack_decode_bytes(d, block, len, &used);
    if (r == HPACK_DONE)
        assert_int_equal(used, len);
    hpack_decode_end(d);
    return r;
}

static void expect_block(struct hpack_decoder *d, struct told *t, const char *hex, const char *text)
{
    assert_int_equal(decode_hex(d, t, hex), HPACK_DONE);
    assert_string_equal(t->text, text);
}

static void rfc_literals(void **state)
{
    struct told t = {0};
    struct hpack_decoder d;
    hpack_decode_init(&d, sink, &t);
    expect_block(&d, &t, "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
                 "custom-key: custom-header\n");
    assert_int_equal(d.table.size, 55);
    expect_block(&d, &t, "040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path\n");
    expect_block(&d, &t, "1008 7061 7373 776f 7264 0673 6563 7265 74", "!password: secret\n");
    expect_block(&d, &t, "82", ":method: GET\n");
    expect_block(&d, &t, "be", "custom-key: custom-header\n");
    hpack_decode_dispose(&d);
}

static void rfc_requests(void **state)
{
    static const char *const plain[] = {
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    };
    static const char *const huffman[] = {
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    };
    static const char *const text[] = {
        ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n",
        ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"
        "cache-control: no-cache\n",
        ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\n"
        "custom-key: custom-value\n",
    };
    static const unsigned sizes[] = {57, 110, 164};
    for (unsigned coding = 0; coding < 2; coding++) {
        struct told t = {0};
        struct hpack_decoder d;
        hpack_decode_init(&d, sink, &t);
        for (unsigned i = 0; i < 3; i++) {
            expect_block(&d, &t, coding ? huffman[i] : plain[i], text[i]);
            assert_int_equal(d.table.size, sizes[i]);
        }
        hpack_decode_dispose(&d);
    }
}

/* Appendix C.6: a table of 256 bytes, from which entries are evicted. */
static void rfc_responses(void **state)
{
    struct told t = {0};
    struct hpack_decoder d;
    hpack_decode_init(&d, sink, &t);
    expect_block(&d, &t, "3fe1 01", "");
    assert_int_equal(d.table.max, 256);
    expect_block(&d, &t,
                 "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6"
                 "2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
                 ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n"
                 "location: https://www.example.com\n");
    assert_int_equal(d.table.size, 222);
    expect_block(&d, &t, "4883 640e ffc1 c0bf",
                 ":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n"
                 "location: https://www.example.com\n");
    expect_block(&d, &t,
                 "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab"
                 "77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f"
                 "9587 3160 65c0 03ed 4ee5 b106 3d50 07",
                 ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n"
                 "location: https://www.example.com\ncontent-encoding: gzip\n"
                 "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n");
    assert_int_equal(d.table.size, 215);
    hpack_decode_dispose(&d);
}

static void malformed_blocks(void **state)
{
    static const char *const bad[] = {
        "80",                            /* index 0 */
        "be",                            /* beyond the tables */
        "ffff ffff ff0f",                /* an integer without end */
        "8220",                          /* size update after a field */
        "3fe2 1f",                       /* size update beyond what was announced */
        "0085 f2b2 4a84 ff84 4950 9fff", /* padding longer than 7 bits */
        "0085 f2b2 4a84 ff83 4950 90",   /* padded with zeros */
        "0085 f2b2 4a84 ff84 ffff ffff", /* end-of-string inside of a string */
        "7e00",                          /* name index beyond the tables */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct told t = {0};
        struct hpack_decoder d;
        hpack_decode_init(&d, sink, &t);
        assert_int_equal(decode_hex(&d, &t, bad[i]), HPACK_BAD);
        hpack_decode_dispose(&d);
    }
}

static void unfinished_blocks_wait(void **state)
{
    uint8_t block[64];
    size_t len =
        unhex("82 400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", block);
    for (size_t cut = 0; cut < len; cut++) {
        struct told t = {0};
        struct hpack_decoder d;
        size_t used;
        hpack_decode_init(&d, sink, &t);
        hpack_decode_begin(&d);
        enum hpack_result r = hpack_decode_bytes(&d, block, cut, &used);
        assert_int_equal(r, cut > 1 ? HPACK_MORE : HPACK_DONE);
        assert_int_equal(used, cut ? 1 : 0);
        assert_int_equal(hpack_decode_bytes(&d, block + used, len - used, &used), HPACK_DONE);
        assert_string_equal(t.text, ":method: GET\ncustom-key: custom-header\n");
        hpack_decode_dispose(&d);
    }
}

static void sink_can_stop(void **state)
{
    struct told t = {.stop_at = 2};
    struct hpack_decoder d;
    hpack_decode_init(&d, sink, &t);
    assert_int_equal(decode_hex(&d, &t, "82 86 84"), HPACK_STOPPED);
    assert_int_equal(t.fields, 2);
    hpack_decode_dispose(&d);
}

static void verdict_stays_with_entry(void **state)
{
    struct hpack_table t;
    hpack_table_init(&t);
    struct hpack_entry *e = hpack_table_add(&t, SLICE("a"), SLICE("b"), HEADER_OTHER);
    assert_false(e->is_good);
    e->is_good = true;
    assert_ptr_equal(hpack_table_at(&t, t.newest), e);
    assert_null(hpack_table_at(&t, t.newest + 1));
    assert_null(hpack_table_at(&t, t.newest - 1));
    hpack_table_resize(&t, 0);
    assert_int_equal(t.count, 0);
    assert_null(hpack_table_add(&t, SLICE("a"), SLICE("b"), HEADER_OTHER));
    hpack_table_dispose(&t);
}

static void statics_have_their_numbers(void **state)
{
    for (uint32_t i = 1; i <= HPACK_STATIC_COUNT; i++) {
        const struct hpack_static *s = hpack_table_static(i);
        assert_int_equal(s->id, hpack_table_id_of(s->name));
        if (s->id != HEADER_OTHER)
            assert_true(slice_eq(hpack_table_static(hpack_table_static_of(s->id))->name, s->name));
    }
    assert_int_equal(hpack_table_id_of(SLICE(":unknown")), HPACK_PSEUDO);
    assert_int_equal(hpack_table_static_of(HPACK_STATUS), 8);
    assert_int_equal(hpack_table_static_of(HEADER_WWW_AUTHENTICATE), 61);
}

/* ---- our encoder against decoders ---- */

struct field {
    char name[64], value[256];
    bool secret;
};

static uint8_t *encode(struct hpack_encoder *e, uint8_t *to, const struct field *f)
{
    struct slice name = slice_from_cstr(f->name);
    return hpack_encode_field(e, to, hpack_table_id_of(name), name, slice_from_cstr(f->value),
                              f->secret);
}

static void make_field(struct rand_state *r, struct field *f)
{
    static const char *const names[] = {"accept",  ":path",
                                        "x-thing", "date",
                                        "x-other", "cookie",
                                        ":status", "server",
                                        "x-trace", "vary",
                                        ":method", "user-agent",
                                        "a",       "x-long-name-of-a-field"};
    *f = (struct field){0};
    const char *name = names[rand_below(r, sizeof(names) / sizeof(names[0]))];
    snprintf(f->name, sizeof(f->name), "%s", name);
    uint32_t few = rand_below(r, 3) ? 6 : 100000;
    int n = snprintf(f->value, sizeof(f->value), "%u", rand_below(r, few));
    uint32_t more = rand_below(r, 4) ? 0 : rand_below(r, 200);
    memset(f->value + n, 'x', more);
    if (rand_below(r, 50) == 0)
        f->value[0] = 0;
    f->secret = rand_below(r, 10) == 0;
}

static void check_with_ours(struct hpack_decoder *d, const uint8_t *block, size_t len,
                            const char *expected)
{
    struct told *t = d->owner;
    size_t used;
    t->len = 0;
    t->text[0] = 0;
    hpack_decode_begin(d);
    assert_int_equal(hpack_decode_bytes(d, block, len, &used), HPACK_DONE);
    assert_int_equal(used, len);
    assert_string_equal(t->text, expected);
    hpack_decode_end(d);
}

static void check_with_nghttp2(nghttp2_hd_inflater *inflater, const uint8_t *block, size_t len,
                               const char *expected)
{
    static char text[65536];
    size_t n = 0;
    int flags = 0;
    text[0] = 0;
    while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
        nghttp2_nv nv;
        flags = 0;
        ssize_t took = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block, len, 1);
        assert_true(took >= 0);
        block += took;
        len -= (size_t)took;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s: %.*s\n",
                                  nv.flags & NGHTTP2_NV_FLAG_NO_INDEX ? "!" : "", (int)nv.namelen,
                                  (char *)nv.name, (int)nv.valuelen, (char *)nv.value);
    }
    nghttp2_hd_inflate_end_headers(inflater);
    assert_string_equal(text, expected);
}

static void encoder_agrees_with_decoders(void **state)
{
    static struct told t;
    static uint8_t block[65536];
    static char expected[65536];
    struct hpack_encoder e;
    struct hpack_decoder d;
    nghttp2_hd_inflater *inflater;
    struct rand_state r;
    rand_seed(&r, 7);
    hpack_encode_init(&e);
    hpack_decode_init(&d, sink, &t);
    assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
    for (unsigned round = 0; round < 3000; round++) {
        if (rand_below(&r, 40) == 0)
            hpack_encode_resize(&e, rand_below(&r, 5000));
        uint8_t *to = hpack_encode_begin(&e, block);
        size_t n = 0;
        expected[0] = 0;
        for (uint32_t k = rand_below(&r, 20); k; k--) {
            struct field f;
            make_field(&r, &f);
            uint8_t *before = to;
            to = encode(&e, to, &f);
            assert_true((size_t)(to - before) <=
                        strlen(f.name) + strlen(f.value) + HPACK_FIELD_BOUND);
            n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%s%s: %s\n",
                                  f.secret ? "!" : "", f.name, f.value);
        }
        check_with_ours(&d, block, (size_t)(to - block), expected);
        check_with_nghttp2(inflater, block, (size_t)(to - block), expected);
        assert_int_equal(e.table.size, d.table.size);
        assert_int_equal(e.table.count, d.table.count);
    }
    nghttp2_hd_inflate_del(inflater);
    hpack_decode_dispose(&d);
    hpack_encode_dispose(&e);
}

static void decoder_agrees_with_nghttp2s_encoder(void **state)
{
    static struct told t;
    static uint8_t block[65536];
    static char expected[65536];
    struct hpack_decoder d;
    nghttp2_hd_deflater *deflater;
    struct rand_state r;
    rand_seed(&r, 8);
    hpack_decode_init(&d, sink, &t);
    assert_int_equal(nghttp2_hd_deflate_new(&deflater, HPACK_TABLE_SIZE), 0);
    for (unsigned round = 0; round < 3000; round++) {
        static struct field fields[20];
        nghttp2_nv nva[20];
        size_t n = 0, count = rand_below(&r, 20);
        expected[0] = 0;
        for (size_t k = 0; k < count; k++) {
            struct field *f = &fields[k];
            make_field(&r, f);
            for (char *c = f->value; *c; c++)
                *c = (char)(rand_below(&r, 5) ? *c : (char)(' ' + rand_below(&r, 94)));
            nva[k] = (nghttp2_nv){(uint8_t *)f->name, (uint8_t *)f->value, strlen(f->name),
                                  strlen(f->value), 0};
            n +=
                (size_t)snprintf(expected + n, sizeof(expected) - n, "%s%s: %s\n",
                                 strcmp(f->name, "cookie") == 0 && strlen(f->value) < 20 ? "!" : "",
                                 f->name, f->value);
        }
        ssize_t len = nghttp2_hd_deflate_hd(deflater, block, sizeof(block), nva, count);
        assert_true(len >= 0);
        check_with_ours(&d, block, (size_t)len, expected);
    }
    nghttp2_hd_deflate_del(deflater);
    hpack_decode_dispose(&d);
}

static size_t encoded_len(struct hpack_encoder *e, const char *name, const char *value, bool secret)
{
    uint8_t block[512];
    struct field f = {.secret = secret};
    snprintf(f.name, sizeof(f.name), "%s", name);
    snprintf(f.value, sizeof(f.value), "%s", value);
    return (size_t)(encode(e, hpack_encode_begin(e, block), &f) - block);
}

static void values_that_come_back_cost_a_byte(void **state)
{
    struct hpack_encoder e;
    hpack_encode_init(&e);
    assert_true(encoded_len(&e, "x-thing", "a value that stays", false) > 20);
    assert_int_equal(encoded_len(&e, "x-thing", "a value that stays", false), 1);
    assert_int_equal(encoded_len(&e, ":method", "GET", false), 1);
    hpack_encode_dispose(&e);
}

/* A name whose values never come back must not push out the others. */
static void changing_values_stay_out(void **state)
{
    struct hpack_encoder e;
    hpack_encode_init(&e);
    encoded_len(&e, "server", "weft", false);
    for (unsigned i = 0; i < 3000; i++) {
        char value[40];
        snprintf(value, sizeof(value), "%032u", i);
        size_t len = encoded_len(&e, "x-request-id", value, false);
        assert_true(len >= 33);
        if (i % 10 == 0)
            encoded_len(&e, "server", "weft", false);
    }
    assert_true(e.table.newest < 120);
    assert_true(encoded_len(&e, "x-request-id", "another", false) < 12); /* the name by index */
    hpack_encode_dispose(&e);
}

static void two_values_in_turn_are_both_learnt(void **state)
{
    struct hpack_encoder e;
    hpack_encode_init(&e);
    size_t last = 0;
    for (unsigned i = 0; i < 200; i++)
        last = encoded_len(&e, ":path", i % 2 ? "/one/of/two" : "/another/of/two", false);
    assert_int_equal(last, 1);
    hpack_encode_dispose(&e);
}

static void secrets_are_never_stored(void **state)
{
    struct hpack_encoder e;
    hpack_encode_init(&e);
    for (unsigned i = 0; i < 3; i++)
        assert_true(encoded_len(&e, "authorization", "Basic c2VjcmV0", true) > 14);
    assert_int_equal(e.table.count, 0);
    hpack_encode_dispose(&e);
}

static void large_fields_are_not_stored(void **state)
{
    struct hpack_encoder e;
    char value[256];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    hpack_encode_init(&e);
    hpack_encode_resize(&e, 512);
    encoded_len(&e, "server", "weft", false);
    encoded_len(&e, "x-big", value, false);
    assert_int_equal(e.table.count, 1);
    hpack_encode_dispose(&e);
}

static void resizing_is_announced(void **state)
{
    struct told t = {0};
    struct hpack_encoder e;
    struct hpack_decoder d;
    uint8_t block[256];
    hpack_encode_init(&e);
    hpack_decode_init(&d, sink, &t);
    struct field f = {.name = "x-thing", .value = "v"};
    uint8_t *end = encode(&e, hpack_encode_begin(&e, block), &f);
    check_with_ours(&d, block, (size_t)(end - block), "x-thing: v\n");
    hpack_encode_resize(&e, 0);
    hpack_encode_resize(&e, 100);
    end = encode(&e, hpack_encode_begin(&e, block), &f);
    assert_int_equal(block[0], 0x20);
    check_with_ours(&d, block, (size_t)(end - block), "x-thing: v\n");
    assert_int_equal(d.table.max, 100);
    assert_int_equal(d.table.count, 1);
    assert_ptr_equal(hpack_encode_begin(&e, block), block);
    hpack_encode_resize(&e, 1 << 20);
    end = hpack_encode_begin(&e, block);
    check_with_ours(&d, block, (size_t)(end - block), "");
    assert_int_equal(d.table.max, HPACK_TABLE_SIZE);
    hpack_encode_dispose(&e);
    hpack_decode_dispose(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_literals),
        cmocka_unit_test(rfc_requests),
        cmocka_unit_test(rfc_responses),
        cmocka_unit_test(malformed_blocks),
        cmocka_unit_test(unfinished_blocks_wait),
        cmocka_unit_test(sink_can_stop),
        cmocka_unit_test(verdict_stays_with_entry),
        cmocka_unit_test(statics_have_their_numbers),
        cmocka_unit_test(encoder_agrees_with_decoders),
        cmocka_unit_test(decoder_agrees_with_nghttp2s_encoder),
        cmocka_unit_test(values_that_come_back_cost_a_byte),
        cmocka_unit_test(changing_values_stay_out),
        cmocka_unit_test(two_values_in_turn_are_both_learnt),
        cmocka_unit_test(secrets_are_never_stored),
        cmocka_unit_test(large_fields_are_not_stored),
        cmocka_unit_test(resizing_is_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
