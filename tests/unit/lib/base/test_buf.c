/* Tests of the byte queue: each operation, sharing, and long random walks against a flat array. *
 * One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/buf.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void check(const struct buf *b, struct slice want)
{
    char *out = mem_alloc(want.len);
    assert_int_equal(b->len, want.len);
    buf_copy_out(b, out, want.len);
    assert_true(slice_eq(slice_of(out, want.len), want));
    mem_free(out);
}

static void test_append_gathers(void **state)
{
    struct buf b;
    struct iovec v[4];
    buf_init(&b);
    assert_true(buf_is_empty(&b));
    assert_int_equal(buf_front(&b).len, 0);
    assert_int_equal(buf_peek(&b, v, 4), 0);
    for (int i = 0; i < 100; i++)
        buf_append(&b, "0123456789", 10);
    /* Small pieces end up in one place. */
    assert_int_equal(buf_peek(&b, v, 4), 1);
    assert_int_equal(v[0].iov_len, 1000);
    assert_int_equal(buf_front(&b).len, 1000);
    buf_append(&b, NULL, 0);
    assert_int_equal(b.len, 1000);
    buf_dispose(&b);
    assert_true(buf_is_empty(&b));
}

static void test_append_large(void **state)
{
    static char big[100000];
    struct buf b;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 31 >> 3);
    buf_init(&b);
    buf_append(&b, "x", 1);
    buf_append(&b, big, sizeof(big));
    buf_drain(&b, 1);
    check(&b, slice_of(big, sizeof(big)));
    buf_dispose(&b);
}

static void test_shared(void **state)
{
    struct chunk *c = chunk_create(CHUNK_SIZE);
    struct buf b;
    memset(c->data, 'a', 4000);
    c->used = 4000;
    buf_init(&b);
    buf_append_shared(&b, c, c->data, 1000);
    assert_int_equal(c->refs, 2);
    assert_true(buf_front(&b).ptr == (char *)c->data);
    /* What follows directly only makes the view longer. */
    buf_append_shared(&b, c, c->data + 1000, 10);
    assert_int_equal(c->refs, 2);
    assert_int_equal(buf_front(&b).len, 1010);
    /* Small pieces elsewhere are copied. */
    buf_append_shared(&b, c, c->data + 3000, 511);
    assert_int_equal(c->refs, 2);
    buf_append_shared(&b, c, c->data + 2000, 512);
    assert_int_equal(c->refs, 3);
    buf_append_shared(&b, NULL, c->data, 2000);
    assert_int_equal(c->refs, 3);
    assert_int_equal(b.len, 1010 + 511 + 512 + 2000);
    buf_drain(&b, 1010);
    assert_int_equal(c->refs, 2);
    buf_dispose(&b);
    assert_int_equal(c->refs, 1);
    chunk_unref(c);
    chunk_unref(NULL);
}

static void test_shared_chunk_is_not_written(void **state)
{
    struct chunk *c = chunk_create(4096);
    struct buf b;
    memset(c->data, 'a', 1000);
    c->used = 1000;
    buf_init(&b);
    buf_append_shared(&b, c, c->data, 1000);
    /* The holder of the other reference may be reading into the rest of it. */
    buf_append(&b, "tail", 4);
    assert_int_equal(c->used, 1000);
    chunk_unref(c);
    buf_dispose(&b);
}

static void test_sole_owner_is_filled(void **state)
{
    struct chunk *c = chunk_create(4096);
    struct buf b;
    struct iovec v[2];
    memset(c->data, 'a', 1000);
    c->used = 1000;
    buf_init(&b);
    buf_append_shared(&b, c, c->data, 1000);
    chunk_unref(c);
    buf_append(&b, "tail", 4);
    assert_int_equal(buf_peek(&b, v, 2), 1);
    assert_int_equal(v[0].iov_len, 1004);
    /* A view that ends earlier than the chunk's contents must not overwrite them. */
    buf_dispose(&b);
    c = chunk_create(4096);
    memset(c->data, 'b', 2000);
    c->used = 2000;
    buf_append_shared(&b, c, c->data, 1000);
    chunk_unref(c);
    buf_append(&b, "tail", 4);
    assert_int_equal(buf_peek(&b, v, 2), 2);
    assert_memory_equal(v[1].iov_base, "tail", 4);
    buf_dispose(&b);
}

static void test_move(void **state)
{
    struct buf a, b;
    buf_init(&a);
    buf_init(&b);
    struct chunk *c = chunk_create(8192);
    memset(c->data, 'z', 8192);
    c->used = 8192;
    buf_append(&a, "head", 4);
    buf_append_shared(&a, c, c->data, 8192);
    chunk_unref(c);
    buf_append(&b, "[", 1);
    buf_move(&b, &a, 0);
    buf_move(&b, &a, 4 + 1000);
    assert_int_equal(a.len, 7192);
    assert_int_equal(b.len, 1005);
    assert_int_equal(c->refs, 2); /* split, not copied */
    buf_move(&b, &a, 10);
    assert_int_equal(c->refs, 2);
    buf_move_all(&b, &a);
    assert_true(buf_is_empty(&a));
    assert_null(a.head);
    assert_null(a.tail);
    assert_int_equal(b.len, 1 + 4 + 8192);
    buf_append(&a, "again", 5);
    check(&a, SLICE("again"));
    buf_dispose(&a);
    buf_dispose(&b);
}

static void test_reserve(void **state)
{
    struct buf b;
    size_t room = 0;
    buf_init(&b);
    uint8_t *at = buf_reserve(&b, CHUNK_SIZE, &room);
    assert_true(room >= CHUNK_SIZE);
    memcpy(at, "abc", 3);
    buf_commit(&b, 3);
    check(&b, SLICE("abc"));
    uint8_t *next = buf_reserve(&b, 1, &room);
    assert_true(next == at + 3);
    assert_int_equal(room, CHUNK_SIZE - 3);
    buf_commit(&b, 0);
    check(&b, SLICE("abc"));
    /* More than the tail has left: a new chunk. */
    next = buf_reserve(&b, CHUNK_SIZE, &room);
    assert_true(room >= CHUNK_SIZE);
    memcpy(next, "def", 3);
    buf_commit(&b, 3);
    check(&b, SLICE("abcdef"));
    buf_dispose(&b);
}

static void test_unused_reservation(void **state)
{
    struct buf b;
    size_t room;
    buf_init(&b);
    buf_reserve(&b, 100, &room);
    buf_commit(&b, 0);
    assert_null(b.head);
    assert_null(b.tail);
    buf_append(&b, "x", 1);
    buf_reserve(&b, CHUNK_SIZE, &room);
    buf_commit(&b, 0);
    assert_true(b.head == b.tail);
    check(&b, SLICE("x"));
    buf_reserve(&b, CHUNK_SIZE, &room);
    buf_dispose(&b);
    assert_null(b.head);
}

static void test_peek_max(void **state)
{
    struct buf b;
    struct iovec v[3];
    struct chunk *c = chunk_create(8192);
    c->used = 8192;
    buf_init(&b);
    for (int i = 0; i < 5; i++)
        buf_append_shared(&b, c, c->data + (i % 2) * 4096, 600);
    assert_int_equal(buf_peek(&b, v, 3), 3);
    assert_int_equal(v[2].iov_len, 600);
    assert_int_equal(buf_peek(&b, v, 0), 0);
    chunk_unref(c);
    buf_dispose(&b);
}

/* The same bytes, kept the plain way. */
struct model {
    uint8_t bytes[1 << 18];
    size_t len;
};

struct walk {
    struct rand_state rand;
    struct buf bufs[2];
    struct model models[2];
    struct chunk *chunk;
    uint8_t next;
};

static void add(struct walk *w, int i, const uint8_t *bytes, size_t n)
{
    memcpy(w->models[i].bytes + w->models[i].len, bytes, n);
    w->models[i].len += n;
}

static void step_append(struct walk *w, int i, size_t n)
{
    uint8_t bytes[40000];
    for (size_t at = 0; at < n; at++)
        bytes[at] = w->next++;
    buf_append(&w->bufs[i], bytes, n);
    add(w, i, bytes, n);
}

static void step_shared(struct walk *w, int i, size_t n)
{
    if (n > w->chunk->capacity)
        n = w->chunk->capacity;
    if (n > w->chunk->capacity - w->chunk->used) {
        chunk_unref(w->chunk);
        w->chunk = chunk_create(CHUNK_SIZE);
    }
    uint8_t *from = w->chunk->data + w->chunk->used;
    for (size_t at = 0; at < n; at++)
        from[at] = w->next++;
    w->chunk->used += (uint32_t)n;
    buf_append_shared(&w->bufs[i], w->chunk, from, n);
    add(w, i, from, n);
}

static void step_reserve(struct walk *w, int i, size_t n)
{
    size_t room;
    uint8_t *at = buf_reserve(&w->bufs[i], n % CHUNK_SIZE + 1, &room);
    assert_true(room >= n % CHUNK_SIZE + 1);
    size_t written = n % 3 == 0 ? 0 : n % (room + 1);
    for (size_t k = 0; k < written; k++)
        at[k] = w->next++;
    add(w, i, at, written);
    buf_commit(&w->bufs[i], written);
}

static void step_drain(struct walk *w, int i, size_t n)
{
    struct model *m = &w->models[i];
    if (n > m->len)
        n = m->len;
    buf_drain(&w->bufs[i], n);
    memmove(m->bytes, m->bytes + n, m->len - n);
    m->len -= n;
}

static void step_move(struct walk *w, int i, size_t n)
{
    struct model *m = &w->models[i];
    if (n > m->len)
        n = m->len;
    buf_move(&w->bufs[!i], &w->bufs[i], n);
    add(w, !i, m->bytes, n);
    memmove(m->bytes, m->bytes + n, m->len - n);
    m->len -= n;
}

static void check_model(const struct buf *b, const struct model *m)
{
    struct iovec v[256];
    size_t total = 0, n = buf_peek(b, v, 256);
    for (size_t i = 0; i < n; i++) {
        assert_true(v[i].iov_len > 0);
        assert_memory_equal(v[i].iov_base, m->bytes + total, v[i].iov_len);
        total += v[i].iov_len;
    }
    assert_int_equal(b->len, m->len);
    if (n < 256)
        assert_int_equal(total, m->len);
    check(b, slice_of(m->bytes, m->len));
}

static void step(struct walk *w)
{
    int i = (int)rand_below(&w->rand, 2);
    size_t n = rand_below(&w->rand, rand_below(&w->rand, 4) ? 900 : 20000);
    unsigned what = rand_below(&w->rand, 8);
    if (w->models[0].len + w->models[1].len > 200000)
        what = 6;
    if (what < 2)
        step_append(w, i, n);
    else if (what < 4)
        step_shared(w, i, n);
    else if (what == 4)
        step_reserve(w, i, n);
    else if (what == 5)
        step_move(w, i, n);
    else
        step_drain(w, i, n * 2);
}

static void test_random_walk(void **state)
{
    struct walk *w = mem_zalloc(sizeof(*w));
    for (uint64_t seed = 0; seed < 20; seed++) {
        rand_seed(&w->rand, seed);
        w->models[0].len = w->models[1].len = 0;
        w->chunk = chunk_create(CHUNK_SIZE);
        buf_init(&w->bufs[0]);
        buf_init(&w->bufs[1]);
        for (int i = 0; i < 300; i++) {
            step(w);
            check_model(&w->bufs[0], &w->models[0]);
            check_model(&w->bufs[1], &w->models[1]);
        }
        buf_dispose(&w->bufs[0]);
        buf_dispose(&w->bufs[1]);
        assert_int_equal(w->chunk->refs, 1);
        chunk_unref(w->chunk);
    }
    mem_free(w);
}

static void on_release(void *owner)
{
    ++*(int *)owner;
}

/* What is lent is not copied, unless it is short, and goes back once nobody sees it any more. */
static void test_lent(void **state)
{
    static const uint8_t bytes[2000] = {1, 2, 3};
    struct buf a, b;
    int released = 0;
    (void)state;
    buf_init(&a);
    buf_init(&b);
    struct chunk *c = chunk_create_lent(on_release, &released);
    buf_append_shared(&a, c, bytes, sizeof bytes);
    chunk_unref(c);
    assert_ptr_equal(buf_front(&a).ptr, bytes);
    buf_append(&a, "x", 1); /* not behind the lender's bytes */
    assert_int_equal(buf_front(&a).len, sizeof bytes);
    buf_move(&b, &a, 1000);
    assert_ptr_equal(buf_front(&b).ptr, bytes);
    buf_dispose(&b);
    buf_drain(&a, 999);
    assert_int_equal(released, 0);
    buf_drain(&a, 1);
    assert_int_equal(released, 1);
    buf_dispose(&a);
    c = chunk_create_lent(on_release, &released);
    buf_append_shared(&a, c, bytes, 10);
    chunk_unref(c);
    assert_int_equal(released, 2);
    assert_int_equal(a.len, 10);
    buf_dispose(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_gathers),
        cmocka_unit_test(test_append_large),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_shared_chunk_is_not_written),
        cmocka_unit_test(test_sole_owner_is_filled),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_unused_reservation),
        cmocka_unit_test(test_peek_max),
        cmocka_unit_test(test_random_walk),
        cmocka_unit_test(test_lent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
