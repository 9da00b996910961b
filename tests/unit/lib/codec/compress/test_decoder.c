/* What each encoder makes comes out of its decoder as it went in, however it is cut and however
 * little is taken at a time; what is damaged, cut short or followed by something is found out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "lib/base/mem.h"
#include "lib/codec/compress/decoder.h"
#include "lib/codec/compress/encoder.h"

enum { TEXT_MAX = 200000, ROOM = TEXT_MAX + 1000, RAW = DECODER_COUNT, FORMS };

static char text[TEXT_MAX];
static uint8_t packed[ROOM];

static void make_text(void)
{
    unsigned seed = 1;
    for (size_t len = 0; len < TEXT_MAX;) {
        char word[64];
        seed = seed * 1103515245 + 12345;
        size_t n = (size_t)snprintf(word, sizeof(word), "{\"id\":%u,\"name\":\"item-%u\"},",
                                    seed % 1000, seed >> 20);
        n = n < TEXT_MAX - len ? n : TEXT_MAX - len;
        memcpy(text + len, word, n);
        len += n;
    }
}

static size_t deflate_text(int bits, size_t len)
{
    z_stream z = {.next_in = (uint8_t *)text, .avail_in = (unsigned)len, .next_out = packed,
                  .avail_out = sizeof(packed)};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* RAW: deflate without a head. */
static size_t pack(int form, size_t len)
{
    static const enum content_coding codings[DECODER_COUNT] = {[DECODER_GZIP] = CODING_GZIP,
                                                               [DECODER_BROTLI] = CODING_BROTLI,
                                                               [DECODER_ZSTD] = CODING_ZSTD};
    struct buf out;
    if (form == DECODER_DEFLATE || form == RAW)
        return deflate_text(form == RAW ? -15 : 15, len);
    struct encoder *e = encoder_take(codings[form], 3);
    buf_init(&out);
    assert_true(encoder_run(e, slice_of(text, len), ENCODER_END, &out));
    encoder_give(e);
    size_t size = out.len;
    buf_copy_out(&out, packed, size);
    buf_dispose(&out);
    return size;
}

static enum decoder_coding coding_of(int form)
{
    return form == RAW ? DECODER_DEFLATE : (enum decoder_coding)form;
}

/* Of packed[0..size), in pieces. BAD as soon as it is found. */
static enum decoder_result unpack(struct decoder *d, size_t size, size_t piece, size_t most,
                                  struct buf *out)
{
    for (size_t at = 0; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        struct slice in = slice_of((const char *)packed + at, len);
        enum decoder_result result;
        while ((result = decoder_run(d, &in, most, out)) == DECODER_FULL)
            ;
        if (result == DECODER_BAD)
            return result;
        assert_int_equal(in.len, 0);
    }
    return DECODER_HUNGRY;
}

static void expect(struct buf *out, size_t want)
{
    assert_int_equal(out->len, want);
    char *all = buf_take_text(out, NULL);
    assert_memory_equal(all, text, want);
    mem_free(all);
}

static void what_was_packed(void **state)
{
    static const size_t pieces[] = {ROOM, 10000, 1};
    for (int form = 0; form < FORMS; form++)
        for (size_t i = 0; i < 3; i++) {
            size_t len = i == 2 ? 5000 : TEXT_MAX, size = pack(form, len);
            struct decoder *d = decoder_take(coding_of(form));
            struct buf out;
            buf_init(&out);
            assert_int_equal(unpack(d, size, pieces[i], 65536, &out), DECODER_HUNGRY);
            assert_true(decoder_is_complete(d));
            expect(&out, len);
            decoder_give(d);
        }
}

/* A little at a time: never much more than was asked for. */
static void it_stops_when_it_is_enough(void **state)
{
    for (int form = 0; form < FORMS; form++) {
        struct slice in = slice_of((const char *)packed, pack(form, TEXT_MAX));
        struct decoder *d = decoder_take(coding_of(form));
        enum decoder_result result;
        struct buf all, out;
        buf_init(&all);
        buf_init(&out);
        do {
            result = decoder_run(d, &in, 1000, &out);
            assert_in_range(out.len, 0, 1000 + CHUNK_SIZE);
            buf_move_all(&all, &out);
        } while (result == DECODER_FULL);
        assert_int_equal(result, DECODER_HUNGRY);
        expect(&all, TEXT_MAX);
        decoder_give(d);
    }
}

static void cut_short_at_every_byte(void **state)
{
    for (int form = 0; form < FORMS; form++) {
        size_t size = pack(form, 300);
        for (size_t cut = 0; cut < size; cut++) {
            struct decoder *d = decoder_take(coding_of(form));
            struct buf out;
            buf_init(&out);
            assert_int_equal(unpack(d, cut, cut + 1, 65536, &out), DECODER_HUNGRY);
            assert_int_equal(decoder_is_complete(d), cut == 0);
            buf_dispose(&out);
            decoder_give(d);
        }
    }
}

static void something_behind_the_end(void **state)
{
    for (int form = 0; form < FORMS; form++)
        for (size_t piece = 1; piece < ROOM; piece += ROOM - 2) {
            size_t size = pack(form, 300);
            struct decoder *d = decoder_take(coding_of(form));
            struct buf out;
            buf_init(&out);
            memcpy(packed + size, "garbage", 7);
            assert_int_equal(unpack(d, size + 7, piece, 65536, &out), DECODER_BAD);
            buf_dispose(&out);
            decoder_give(d);
        }
}

/* gzip and zstd may be several, one behind the other. */
static void a_chain(void **state)
{
    for (int form = 0; form < FORMS; form++) {
        size_t first = pack(form, 300);
        uint8_t *kept = mem_alloc(first);
        memcpy(kept, packed, first);
        memcpy(packed + first, kept, first);
        mem_free(kept);
        struct decoder *d = decoder_take(coding_of(form));
        struct buf out;
        buf_init(&out);
        enum decoder_result result = unpack(d, 2 * first, 7, 65536, &out);
        bool is_chain = form == DECODER_GZIP || form == DECODER_ZSTD;
        assert_int_equal(result, is_chain ? DECODER_HUNGRY : DECODER_BAD);
        assert_int_equal(out.len, is_chain ? 600 : 300);
        buf_dispose(&out);
        decoder_give(d);
    }
}

/* Each format has a checksum or none; what it finds is found. */
static void damaged(void **state)
{
    static const int checked[] = {DECODER_GZIP, DECODER_DEFLATE};
    for (size_t i = 0; i < 2; i++) {
        size_t size = pack(checked[i], 300);
        for (size_t at = size - 4; at < size; at++) {
            struct decoder *d = decoder_take((enum decoder_coding)checked[i]);
            struct buf out;
            buf_init(&out);
            packed[at] ^= 1;
            enum decoder_result result = unpack(d, size, size, 65536, &out);
            assert_true(result == DECODER_BAD || !decoder_is_complete(d));
            packed[at] ^= 1;
            buf_dispose(&out);
            decoder_give(d);
        }
    }
    memcpy(packed, "not this at all, but plain text", 32);
    for (int coding = 0; coding < DECODER_COUNT; coding++) {
        struct decoder *d = decoder_take((enum decoder_coding)coding);
        struct buf out;
        buf_init(&out);
        enum decoder_result result = unpack(d, 32, 32, 65536, &out);
        assert_true(result == DECODER_BAD || !decoder_is_complete(d));
        buf_dispose(&out);
        decoder_give(d);
    }
}

/* A window of 16 MB, which RFC 9659 does not let anybody use. */
static void a_window_that_is_too_large(void **state)
{
    static const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 14 << 3, 0x01, 0x00, 0x00};
    struct decoder *d = decoder_take(DECODER_ZSTD);
    struct buf out;
    buf_init(&out);
    memcpy(packed, head, sizeof(head));
    assert_int_equal(unpack(d, sizeof(head), sizeof(head), 65536, &out), DECODER_BAD);
    packed[5] = 13 << 3;
    decoder_give(d);
    d = decoder_take(DECODER_ZSTD);
    assert_int_equal(unpack(d, sizeof(head), sizeof(head), 65536, &out), DECODER_HUNGRY);
    decoder_give(d);
}

/* What the library reads besides, of the years before RFC 8878, is none of HTTP's. */
static void formats_of_the_past(void **state)
{
    static const uint8_t magic[] = {0x25, 0xb5, 0x2f, 0xfd}; /* of version 0.5 */
    for (size_t piece = 1; piece <= sizeof(magic); piece++) {
        struct decoder *d = decoder_take(DECODER_ZSTD);
        struct buf out;
        buf_init(&out);
        memcpy(packed, magic, sizeof(magic));
        assert_int_equal(unpack(d, sizeof(magic), piece, 65536, &out), DECODER_BAD);
        decoder_give(d);
    }
}

static void names(void **state)
{
    enum decoder_coding coding;
    assert_true(decoder_coding_of(SLICE("X-GZip"), &coding) && coding == DECODER_GZIP);
    assert_true(decoder_coding_of(SLICE("br"), &coding) && coding == DECODER_BROTLI);
    assert_true(decoder_coding_of(SLICE("deflate"), &coding) && coding == DECODER_DEFLATE);
    assert_true(decoder_coding_of(SLICE("ZSTD"), &coding) && coding == DECODER_ZSTD);
    assert_false(decoder_coding_of(SLICE("identity"), &coding));
    assert_false(decoder_coding_of(SLICE(""), &coding));
}

/* One that was given back in the middle begins anew; and each thread has its own. */
static void *use_again(void *is_other)
{
    for (int i = 0; i < 20 * FORMS; i++) {
        size_t size = is_other ? 0 : pack(i % FORMS, 3000);
        struct decoder *d = decoder_take(coding_of(i % FORMS));
        struct buf out;
        buf_init(&out);
        if (!is_other)
            assert_int_equal(unpack(d, i % 2 ? size / 2 : size, 100, 65536, &out), DECODER_HUNGRY);
        if (!is_other && i % 2 == 0)
            expect(&out, 3000);
        buf_dispose(&out);
        decoder_give(d);
    }
    return NULL;
}

static void used_again(void **state)
{
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, use_again, text), 0);
    use_again(NULL);
    use_again(NULL);
    pthread_join(other, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed),
        cmocka_unit_test(it_stops_when_it_is_enough),
        cmocka_unit_test(cut_short_at_every_byte),
        cmocka_unit_test(something_behind_the_end),
        cmocka_unit_test(a_chain),
        cmocka_unit_test(damaged),
        cmocka_unit_test(a_window_that_is_too_large),
        cmocka_unit_test(formats_of_the_past),
        cmocka_unit_test(names),
        cmocka_unit_test(used_again),
    };
    make_text();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
