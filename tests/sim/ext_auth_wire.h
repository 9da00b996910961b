/* Messages of ext_authz, written and read by the published numbers of their fields and not by our
 * own code for them: fields of type 2 (bytes) and 0 (varint).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/sim/cmocka_sim.h"
#include "tests/sim/ext_auth_world.h"

struct bytes {
    uint8_t at[2048];
    size_t len;
};

static inline void put_varint(struct bytes *to, uint64_t n)
{
    for (; n > 127; n >>= 7)
        to->at[to->len++] = (uint8_t)(n | 128);
    to->at[to->len++] = (uint8_t)n;
}

static inline void put_number(struct bytes *to, unsigned field, uint64_t n)
{
    put_varint(to, field << 3);
    put_varint(to, n);
}

static inline void put_bytes(struct bytes *to, unsigned field, const void *from, size_t len)
{
    put_varint(to, field << 3 | 2);
    put_varint(to, len);
    memcpy(to->at + to->len, from, len);
    to->len += len;
}

static inline void put_text(struct bytes *to, unsigned field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

static inline void put(struct bytes *to, unsigned field, const struct bytes *inner)
{
    put_bytes(to, field, inner->at, inner->len);
}

static inline uint64_t take_varint(struct slice *from)
{
    uint64_t n = 0;
    for (unsigned shift = 0; from->len; shift += 7) {
        uint8_t byte = (uint8_t)*from->ptr;
        *from = slice_sub(*from, 1, from->len);
        n |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128))
            break;
    }
    return n;
}

/* The n-th of a field, with its number where it is one; NULL ptr: there are not so many. */
static inline struct slice take_nth(struct slice from, unsigned field, unsigned n, uint64_t *number)
{
    while (from.len) {
        uint64_t tag = take_varint(&from), value = take_varint(&from);
        struct slice inner = slice_sub(from, 0, tag & 2 ? value : 0);
        from = slice_sub(from, inner.len, from.len);
        if (tag >> 3 == field && n-- == 0) {
            *number = value;
            return inner;
        }
    }
    return (struct slice){NULL, 0};
}

static inline struct slice take(struct slice from, unsigned field)
{
    uint64_t ignored;
    return take_nth(from, field, 0, &ignored);
}

/* A map's value; empty: it has no such key. */
static inline struct slice look_up(struct slice from, unsigned field, const char *key)
{
    uint64_t ignored;
    for (unsigned i = 0;; i++) {
        struct slice entry = take_nth(from, field, i, &ignored);
        if (!entry.ptr)
            return (struct slice){NULL, 0};
        if (slice_eq_cstr(take(entry, 1), key))
            return take(entry, 2);
    }
}

#define SAYS(slice_, text)                                                            \
    do {                                                                              \
        struct slice got_ = (slice_);                                                 \
        if (!slice_eq_cstr(got_, text))                                               \
            fail_msg("\"%.*s\" and not \"%s\"", SLICE_ARG(got_), text);               \
    } while (0)

/* ---- gRPC ---- */

enum { ATTRIBUTES = 1, SOURCE = 1, DESTINATION = 2, REQUEST = 4, CONTEXT = 10, HTTP_PART = 2 };

static inline struct sim_call *next_call(struct world *w)
{
    sim_turn(&w->r.sim);
    struct sim_call *call = sim_server_call(&w->server, w->calls++);
    assert_non_null(call);
    assert_true(call->ended);
    return call;
}

/* What was asked, without the prefix of its frame. */
static inline struct slice asked_of(struct sim_call *call)
{
    struct slice frame = slice_of(call->body.ptr, call->body.len);
    assert_true(frame.len > 5);
    assert_int_equal(frame.ptr[0], 0);
    assert_int_equal((uint8_t)frame.ptr[3] << 8 | (uint8_t)frame.ptr[4], frame.len - 5);
    return take(slice_sub(frame, 5, frame.len), ATTRIBUTES);
}

static inline void answer_frame(struct sim_call *call, const void *frame, size_t len,
                                const char *status)
{
    struct headers *trailers = arena_zalloc(&call->arena, sizeof(*trailers));
    struct message *m = arena_zalloc(&call->arena, sizeof(*m));
    struct buf body;
    message_init(m, &call->arena);
    m->status = 200;
    m->content_length = -1;
    headers_add(&m->headers, SLICE("content-type"), SLICE("application/grpc"));
    headers_init(trailers, &call->arena);
    headers_add(trailers, SLICE("grpc-status"), slice_from_cstr(status));
    buf_init(&body);
    buf_append(&body, frame, len);
    http_stream_send_head(&call->st, m, false);
    http_stream_send_body(&call->st, &body, false);
    http_stream_send_trailers(&call->st, trailers);
}

static inline void answer(struct sim_call *call, const struct bytes *message, const char *status)
{
    uint8_t frame[5 + sizeof message->at] = {0, 0, 0, (uint8_t)(message->len >> 8),
                                             (uint8_t)message->len};
    memcpy(frame + 5, message->at, message->len);
    answer_frame(call, frame, 5 + message->len, status);
}

/* A CheckResponse with that code; ok: an OkHttpResponse, or denied: a DeniedHttpResponse. */
static inline struct bytes response(unsigned code, const struct bytes *denied,
                                    const struct bytes *ok)
{
    struct bytes status = {.len = 0}, all = {.len = 0};
    if (code)
        put_number(&status, 1, code);
    put(&all, 1, &status);
    if (denied)
        put(&all, 2, denied);
    if (ok)
        put(&all, 3, ok);
    return all;
}

enum { NOT_SAID = -1 };

/* A HeaderValueOption. */
static inline struct bytes option(const char *name, const char *value, int append, unsigned action)
{
    struct bytes header = {.len = 0}, boolean = {.len = 0}, all = {.len = 0};
    put_text(&header, 1, name);
    put_text(&header, 2, value);
    put(&all, 1, &header);
    if (append >= 0) {
        if (append)
            put_number(&boolean, 1, 1);
        put(&all, 2, &boolean);
    }
    if (action)
        put_number(&all, 3, action);
    return all;
}

static inline void add_header(struct bytes *to, unsigned field, const char *name, const char *value,
                       int append, unsigned action)
{
    struct bytes one = option(name, value, append, action);
    put(to, field, &one);
}
