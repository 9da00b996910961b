/* gzip.c, read back by zlib itself: what was written piece by piece comes out whole, whatever its
 * size, and what is complete does not wait for the end.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/text/gzip.h"

#include <string.h>
#include <zlib.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

/* Whole and correct to the last byte: zlib checks length and sum. */
static char *read_back(struct buf *packed, size_t *len)
{
    size_t packed_len;
    char *in = buf_take_text(packed, &packed_len), *out = mem_alloc(1 << 20);
    z_stream z = {.next_in = (unsigned char *)in,
                  .avail_in = (unsigned)packed_len,
                  .next_out = (unsigned char *)out,
                  .avail_out = 1 << 20};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    *len = z.total_out;
    inflateEnd(&z);
    mem_free(in);
    return out;
}

static void check(size_t size, size_t piece, unsigned noise)
{
    struct gzip *g = gzip_create();
    struct buf packed;
    size_t len;
    char *text = mem_alloc(size + 1);
    uint32_t x = 12345;
    assert_non_null(g);
    buf_init(&packed);
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = noise ? (char)(x >> 24) : (char)('a' + i % 7);
    }
    for (size_t at = 0; at < size; at += piece)
        gzip_write(g, slice_of(text + at, size - at < piece ? size - at : piece), &packed);
    /* Nothing that cannot be pressed together may be held back without bound. */
    if (noise && size > 200000)
        assert_true(packed.len > size / 2);
    gzip_finish(g, &packed);
    gzip_destroy(g);
    char *got = read_back(&packed, &len);
    assert_int_equal(len, size);
    assert_memory_equal(got, text, size);
    mem_free(got);
    mem_free(text);
}

static void test_pieces(void **state)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned noise = 0; noise < 2; noise++) {
            check(sizes[i], 1000, noise);
            check(sizes[i], 1 << 20, noise);
        }
}

static void test_it_is_smaller(void **state)
{
    static char text[100000];
    struct gzip *g = gzip_create();
    struct buf packed;
    memset(text, 'x', sizeof text);
    buf_init(&packed);
    gzip_write(g, slice_of(text, sizeof text), &packed);
    gzip_finish(g, &packed);
    assert_true(packed.len < 1000);
    buf_dispose(&packed);
    gzip_destroy(g);
    gzip_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_it_is_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
