/* Traces of HTTP/1 messages; see h1_trace.h. A failed promise aborts, which is what a fuzzer looks
 * for. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/h1_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/http/h1_body.h"
#include "lib/codec/http/h1_build.h"
#include "lib/codec/http/h1_parse.h"
#include "lib/codec/http/h1_write.h"

static const struct h1_limits limits = {
    .header_bytes = 4096, .header_count = 32, .target_bytes = 512};

struct tracer {
    struct buf *trace;
    enum h1_role role;
    struct h1_parse parse;
    struct h1_body body;
    struct arena arena;
    bool in_body, over;
};

static void say(struct tracer *t, const char *what, struct slice s)
{
    buf_append_slice(t->trace, slice_from_cstr(what));
    buf_append(t->trace, "=", 1);
    buf_append_slice(t->trace, s);
    buf_append(t->trace, "\n", 1);
}

static void say_number(struct tracer *t, const char *what, long long number)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%lld", number);
    say(t, what, slice_of(text, (size_t)len));
}

static void say_fields(struct tracer *t, const struct headers *h)
{
    for (uint32_t i = 0; h && i < h->count; i++) {
        say(t, "name", h->items[i].name);
        say(t, "value", h->items[i].value);
    }
}

static void say_message(struct tracer *t, const struct message *m)
{
    say(t, "method", m->method);
    say(t, "authority", m->authority);
    say(t, "path", m->path);
    say(t, "upgrade", m->upgrade);
    say_number(t, "status", m->status);
    say_number(t, "version", m->version);
    say_number(t, "length", m->content_length);
    say_number(t, "keep", m->keep_alive);
    say_fields(t, &m->headers);
}

static void need(bool promise)
{
    if (!promise)
        abort();
}

/* Written by ourselves, a message that was taken is taken again and says the same. */
static void check_round_trip(struct tracer *t, const struct message *m, enum h1_framing framing)
{
    struct h1_parse parse;
    struct h1_head head;
    struct buf out;
    size_t used;
    buf_init(&out);
    uint64_t length = m->content_length > 0 ? (uint64_t)m->content_length : 0;
    if (t->role == H1_REQUEST) {
        h1_write_request(&out, m, framing, length, H1_CONNECTION_DEFAULT);
    } else {
        h1_write_response(&out, m, framing, length);
        h1_write_head_end(&out, H1_CONNECTION_DEFAULT);
    }
    size_t len = out.len;
    uint8_t *bytes = mem_alloc(len);
    buf_copy_out(&out, bytes, len);
    h1_parse_init(&parse, t->role, &limits, SLICE("http"));
    /* Writing may make a head longer than the limit: then it is refused, and that is right. */
    parse.rules.limits.header_bytes *= 2;
    parse.rules.limits.header_count += 4;
    need(h1_parse_head(&parse, bytes, len, &used, &head) == H1_PARSE_DONE && used == len);
    const struct message *back = h1_build_message(&head, &t->arena, SLICE("http"));
    need(slice_eq(back->method, m->method) && slice_eq(back->path, m->path));
    need(slice_eq(back->authority, m->authority) && slice_eq(back->upgrade, m->upgrade));
    need(back->status == m->status && head.chunked == (framing == H1_FRAMING_CHUNKED));
    h1_parse_dispose(&parse);
    mem_free(bytes);
    buf_dispose(&out);
}

static enum h1_framing framing_of(const struct tracer *t, const struct h1_head *head)
{
    if (head->chunked)
        return H1_FRAMING_CHUNKED;
    if (head->content_length >= 0)
        return H1_FRAMING_LENGTH;
    return t->role == H1_RESPONSE ? H1_FRAMING_RAW : H1_FRAMING_NONE;
}

static void begin_body(struct tracer *t, const struct h1_head *head, enum h1_framing framing)
{
    enum h1_body_mode mode = framing == H1_FRAMING_CHUNKED  ? H1_BODY_CHUNKED
                             : framing == H1_FRAMING_LENGTH ? H1_BODY_LENGTH
                             : framing == H1_FRAMING_RAW    ? H1_BODY_UNTIL_CLOSE
                                                            : H1_BODY_NONE;
    bool none = t->role == H1_RESPONSE && (head->status < 200 || head->status == 204);
    h1_body_init(&t->body, none ? H1_BODY_NONE : mode, (uint64_t)head->content_length, 512);
    t->in_body = true;
}

static size_t trace_head(struct tracer *t, const uint8_t *data, size_t len)
{
    struct h1_head head;
    size_t used;
    enum h1_parse_result result = h1_parse_head(&t->parse, data, len, &used, &head);
    need(used <= len);
    if (result == H1_PARSE_BAD) {
        t->over = true;
    } else if (result == H1_PARSE_DONE) {
        const struct message *m = h1_build_message(&head, &t->arena, SLICE("http"));
        enum h1_framing framing = framing_of(t, &head);
        say_message(t, m);
        /* The version is not what decides about chunks here. */
        check_round_trip(t, m, framing);
        begin_body(t, &head, framing);
        h1_parse_next(&t->parse);
    }
    return used;
}

static void end_body(struct tracer *t)
{
    struct headers *trailers = NULL;
    if (t->body.mode == H1_BODY_CHUNKED &&
        h1_parse_trailers(&t->parse.rules, h1_body_trailer(&t->body), &t->arena, &trailers)) {
        t->over = true;
    }
    say_fields(t, trailers);
    say(t, "end", SLICE(""));
    h1_body_dispose(&t->body);
    t->in_body = false;
}

static size_t trace_body(struct tracer *t, const uint8_t *data, size_t len)
{
    struct slice piece;
    size_t used;
    enum h1_body_result result = h1_body_next(&t->body, data, len, &used, &piece);
    need(used <= len);
    if (result == H1_BODY_BAD) {
        t->over = true;
    } else if (result == H1_BODY_DATA) {
        buf_append_slice(t->trace, piece);
    } else if (result == H1_BODY_END) {
        end_body(t);
    }
    return used;
}

static void trace_piece(struct tracer *t, const uint8_t *data, size_t len)
{
    for (size_t at = 0; !t->over && (at < len || t->in_body);) {
        bool was_in_body = t->in_body;
        size_t used =
            t->in_body ? trace_body(t, data + at, len - at) : trace_head(t, data + at, len - at);
        at += used;
        if (used == 0 && was_in_body == t->in_body)
            break;
    }
}

bool h1_trace(struct buf *trace, enum h1_role role, const uint8_t *data, size_t len, size_t step)
{
    struct tracer t = {.trace = trace, .role = role};
    arena_init(&t.arena, 4096);
    h1_parse_init(&t.parse, role, &limits, SLICE("http"));
    for (size_t at = 0; at < len && !t.over; at += step) {
        size_t n = len - at < step ? len - at : step;
        uint8_t *piece = mem_alloc(n);
        memcpy(piece, data + at, n);
        trace_piece(&t, piece, n);
        mem_free(piece);
    }
    h1_parse_dispose(&t.parse);
    h1_body_dispose(&t.body);
    arena_dispose(&t.arena);
    return !t.over;
}

static struct slice flat(struct buf *b)
{
    char *text = mem_alloc(b->len + 1);
    size_t len = b->len;
    buf_copy_out(b, text, len);
    buf_dispose(b);
    return slice_of(text, len);
}

void h1_trace_compare(enum h1_role role, const uint8_t *data, size_t len, size_t step)
{
    size_t steps[] = {1, step};
    struct buf trace;
    buf_init(&trace);
    bool whole_fine = h1_trace(&trace, role, data, len, len ? len : 1);
    struct slice whole = flat(&trace);
    for (size_t i = 0; i < 2; i++) {
        bool cut_fine = h1_trace(&trace, role, data, len, steps[i]);
        struct slice cut = flat(&trace);
        /* A fault may show only with more bytes when they come one by one, but never the reverse.
         */
        need(slice_eq(cut, whole) && (cut_fine || !whole_fine));
        mem_free((char *)cut.ptr);
    }
    mem_free((char *)whole.ptr);
}
