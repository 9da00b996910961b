/* What each encoder makes is what the format's own decoder takes: however the input is cut, at
 * every flush, and with encoders that were used before.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <brotli/decode.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/base/mem.h"
#include "lib/codec/compress/encoder.h"

enum { TEXT_MAX = 300000 };

static char text[TEXT_MAX], decoded[TEXT_MAX + 1];

/* Words of JSON, so that there is something to find again. */
static void make_text(void)
{
    size_t len = 0;
    unsigned seed = 1;
    while (len < TEXT_MAX) {
        char word[64];
        seed = seed * 1103515245 + 12345;
        int n = snprintf(word, sizeof(word), "{\"id\":%u,\"name\":\"item-%u\"},", seed % 1000,
                         seed >> 20);
        size_t take = (size_t)n < TEXT_MAX - len ? (size_t)n : TEXT_MAX - len;
        memcpy(text + len, word, take);
        len += take;
    }
}

/* ---- decoders, which are given what has come so far ---- */

static size_t gunzip(const uint8_t *from, size_t len)
{
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)from,
                  .avail_in = (unsigned)len,
                  .next_out = (uint8_t *)decoded,
                  .avail_out = sizeof(decoded)};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    int status = inflate(&z, Z_SYNC_FLUSH);
    assert_true(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR);
    inflateEnd(&z);
    return z.total_out;
}

static size_t unbrotli(const uint8_t *from, size_t len)
{
    BrotliDecoderState *s = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    size_t room = sizeof(decoded);
    uint8_t *to = (uint8_t *)decoded;
    assert_int_not_equal(BrotliDecoderDecompressStream(s, &len, &from, &room, &to, NULL),
                         BROTLI_DECODER_RESULT_ERROR);
    BrotliDecoderDestroyInstance(s);
    return sizeof(decoded) - room;
}

static size_t unzstd(const uint8_t *from, size_t len)
{
    ZSTD_DCtx *s = ZSTD_createDCtx();
    ZSTD_inBuffer in = {from, len, 0};
    ZSTD_outBuffer out = {decoded, sizeof(decoded), 0};
    assert_false(ZSTD_isError(ZSTD_decompressStream(s, &out, &in)));
    ZSTD_freeDCtx(s);
    return out.pos;
}

static size_t (*const decode[CODING_COUNT])(const uint8_t *, size_t) = {
    [CODING_GZIP] = gunzip, [CODING_BROTLI] = unbrotli, [CODING_ZSTD] = unzstd};

/* ---- */

static void give(struct encoder *e, size_t at, size_t len, enum encoder_flush flush,
                 struct buf *out)
{
    assert_true(encoder_run(e, slice_of(text + at, len), flush, out));
}

static size_t expect(enum content_coding coding, const struct buf *out, size_t want)
{
    size_t len = out->len;
    uint8_t *all = mem_alloc(len + 1);
    buf_copy_out(out, all, len);
    assert_int_equal(decode[coding](all, len), want);
    assert_memory_equal(decoded, text, want);
    mem_free(all);
    return len;
}

static void whole_at_every_level(void **state)
{
    static const int most[CODING_COUNT] = {9, 6, 6};
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        for (int level = 1; level <= most[coding]; level++) {
            struct encoder *e = encoder_take((enum content_coding)coding, level);
            struct buf out;
            buf_init(&out);
            give(e, 0, TEXT_MAX, ENCODER_END, &out);
            assert_in_range(expect((enum content_coding)coding, &out, TEXT_MAX), 100, TEXT_MAX / 4);
            buf_dispose(&out);
            encoder_give(e);
        }
    }
}

static void however_it_is_cut(void **state)
{
    enum { LEN = 200 };
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        for (size_t cut = 0; cut <= LEN; cut++) {
            struct encoder *e = encoder_take((enum content_coding)coding, 3);
            struct buf out;
            buf_init(&out);
            give(e, 0, cut, ENCODER_GO_ON, &out);
            give(e, cut, LEN - cut, ENCODER_GO_ON, &out);
            give(e, LEN, 0, ENCODER_END, &out);
            expect((enum content_coding)coding, &out, LEN);
            buf_dispose(&out);
            encoder_give(e);
        }
    }
}

/* Nothing, too. */
static void an_empty_body(void **state)
{
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        struct encoder *e = encoder_take((enum content_coding)coding, 3);
        struct buf out;
        buf_init(&out);
        give(e, 0, 0, ENCODER_END, &out);
        assert_true(out.len > 0);
        expect((enum content_coding)coding, &out, 0);
        buf_dispose(&out);
        encoder_give(e);
    }
}

static void what_was_flushed_can_be_read(void **state)
{
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        struct encoder *e = encoder_take((enum content_coding)coding, 3);
        struct buf out;
        buf_init(&out);
        for (size_t at = 0; at < 5000; at += 500) {
            give(e, at, 500, ENCODER_FLUSH, &out);
            expect((enum content_coding)coding, &out, at + 500);
            give(e, at + 500, 0, ENCODER_FLUSH, &out); /* once more does no harm */
        }
        give(e, 5000, 0, ENCODER_END, &out);
        expect((enum content_coding)coding, &out, 5000);
        buf_dispose(&out);
        encoder_give(e);
    }
}

/* One that was given back in the middle begins anew; and each thread has its own. */
static void *use_again(void *none)
{
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        for (int i = 0; i < 20; i++) {
            struct encoder *e = encoder_take((enum content_coding)coding, 1 + i % 5);
            struct encoder *other = encoder_take((enum content_coding)coding, 2);
            struct buf out;
            buf_init(&out);
            give(other, 1000, 5000, ENCODER_GO_ON, &out);
            buf_dispose(&out);
            give(e, 0, 5000, ENCODER_END, &out);
            encoder_give(other);
            if (!none)
                expect((enum content_coding)coding, &out, 5000);
            buf_dispose(&out);
            encoder_give(e);
        }
    }
    return NULL;
}

static void used_again(void **state)
{
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, use_again, text), 0);
    use_again(NULL);
    pthread_join(other, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_at_every_level), cmocka_unit_test(however_it_is_cut),
        cmocka_unit_test(an_empty_body),        cmocka_unit_test(what_was_flushed_can_be_read),
        cmocka_unit_test(used_again),
    };
    make_text();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
