/* Heads through the parser; see h1_heads.h.
 * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/codec/http/h1_heads.h"

#include "lib/base/mem.h"
#include "lib/codec/http/h1_build.h"
#include "tests/unit/lib/codec/cmocka_codec.h"

const struct h1_limits h1_heads_limits = {
    .header_bytes = 4096, .header_count = 20, .target_bytes = 256};

/* Each piece is a block of its own, so
 * that a sanitizer sees whoever reads past it. */
void h1_heads_parse(struct h1_heads_outcome *o, enum h1_role role, struct slice in, size_t cut,
                    size_t step)
{
    struct h1_parse p;
    struct h1_head head;
    enum h1_parse_result result = H1_PARSE_MORE;
    *o = (struct h1_heads_outcome){.bad = H1_BAD_NOTHING};
    arena_init(&o->arena, 1024);
    h1_parse_init(&p, role, &h1_heads_limits, SLICE("http"));
    while (result == H1_PARSE_MORE && o->used < in.len) {
        size_t n = step ? step : o->used < cut ? cut - o->used : in.len - o->used;
        n = n < in.len - o->used ? n : in.len - o->used;
        uint8_t *piece = mem_alloc(n);
        size_t used;
        memcpy(piece, in.ptr + o->used, n);
        result = h1_parse_head(&p, piece, n, &used, &head);
        if (result == H1_PARSE_DONE)
            o->m = h1_build_message(&head, &o->arena, SLICE("http"));
        if (result == H1_PARSE_MORE)
            assert_int_equal(used, n);
        o->used += used;
        mem_free(piece);
    }
    o->done = result == H1_PARSE_DONE;
    o->bad = result == H1_PARSE_BAD ? p.bad : H1_BAD_NOTHING;
    h1_parse_dispose(&p);
}

void h1_heads_drop(struct h1_heads_outcome *o)
{
    arena_dispose(&o->arena);
}

static void assert_same_message(const struct message *a, const struct message *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->status, b->status);
    assert_true(slice_eq(a->method, b->method));
    assert_true(slice_eq(a->authority, b->authority));
    assert_true(slice_eq(a->path, b->path));
    assert_true(slice_eq(a->upgrade, b->upgrade));
    assert_int_equal(a->content_length, b->content_length);
    assert_int_equal(a->keep_alive, b->keep_alive);
    assert_int_equal(a->expect_continue, b->expect_continue);
    assert_int_equal(a->headers.count, b->headers.count);
    assert_int_equal(a->headers.bytes, b->headers.bytes);
    for (uint32_t i = 0; i < a->headers.count; i++) {
        assert_true(slice_eq(a->headers.items[i].name, b->headers.items[i].name));
        assert_true(slice_eq(a->headers.items[i].value, b->headers.items[i].value));
        assert_int_equal(a->headers.items[i].id, b->headers.items[i].id);
    }
}

void h1_heads_assert_steady(enum h1_role role, struct slice in, struct h1_heads_outcome *whole)
{
    h1_heads_parse(whole, role, in, in.len, 0);
    for (size_t cut = 0; cut <= in.len; cut++) {
        struct h1_heads_outcome o;
        h1_heads_parse(&o, role, in, cut, cut == 0);
        if (h1_bad_text(o.bad)->status != h1_bad_text(whole->bad)->status)
            fail_msg("cut at %zu: %s, not %s: %.*s", cut, h1_bad_text(o.bad)->reason,
                     h1_bad_text(whole->bad)->reason, SLICE_ARG(in));
        assert_int_equal(o.done, whole->done);
        if (whole->done) {
            assert_int_equal(o.used, whole->used);
            assert_same_message(o.m, whole->m);
        }
        h1_heads_drop(&o);
    }
}
