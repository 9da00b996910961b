/* The server end of an HTTP/1 connection: life and input. Requests come in one after the other;
 * the next is not looked at before the last was answered. Answers are in http_server_h1_send.c,
 * framing and flow in http_h1.c. On the connection's worker.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_server_h1_priv.h"

#include "lib/base/mem.h"
#include "lib/codec/http/h1_build.h"
#include "lib/net/http_refusal.h"

enum {
    HEADER_BYTES = 65536,
    HEADER_COUNT_MAX = 100,
    TARGET_BYTES = 8192,
    HEAD_TIMEOUT_MS = 10000,
    IDLE_TIMEOUT_MS = 3600000,
};

static const char closed_early[] = "The client closed the connection in the middle of a request.";

static const char closed_bare[] =
    "The client's connection ended without a close_notify: data may be missing.";

static struct http_server_h1 *server_of(struct http_server *s)
{
    return container_of(s, struct http_server_h1, base);
}

void http_server_h1_finish(struct http_server_h1 *c, enum err abort_why, enum http_close how,
                           enum err why, const char *detail)
{
    c->h.st = NULL;
    http_server_finish(&c->base, abort_why, how, why, detail);
}

void http_server_h1_die(struct http_server_h1 *c, enum err why, const char *detail)
{
    c->h.dying = true;
    c->abort_why = why;
    c->detail = detail;
    http_h1_wake(&c->h);
}

/* Answers by ourselves and closes; nothing of the answer was sent before. */
static void refuse(struct http_server_h1 *c, enum h1_bad bad)
{
    const struct h1_bad_text *text = h1_bad_text(bad);
    enum err why = bad == H1_BAD_OVERLOAD       ? ERR_OVERLOAD
                   : bad == H1_BAD_HEAD_TIMEOUT ? ERR_TIMEOUT
                                                : ERR_PROTOCOL;
    char id[MESSAGE_REQUEST_ID_SIZE] = "";
    if (c->base.events->on_bad_request && bad != H1_BAD_OVERLOAD)
        c->base.events->on_bad_request(&c->base, text->status, text->reason, id);
    http_refusal_write(&c->h.out, text, id, c->base.config->is_terse);
    http_h1_flush(&c->h);
    http_server_h1_finish(c, why, HTTP_CLOSE_FLUSHED, why, text->sentence);
}

static uint32_t or_default(uint32_t configured, uint32_t otherwise)
{
    return configured ? configured : otherwise;
}

static void time_head(struct http_server_h1 *c, bool on)
{
    const struct http_server_config *config = c->base.config;
    if (c->timing_head == on)
        return;
    c->timing_head = on;
    if (on)
        timer_start(&c->timer, or_default(config->head_timeout_ms, HEAD_TIMEOUT_MS));
    else
        timer_start(&c->timer, or_default(config->idle_timeout_ms, IDLE_TIMEOUT_MS));
}

/* The idle timer is not touched by requests: it looks for itself when it fires. */
static void check_idle(struct http_server_h1 *c)
{
    uint64_t idle_ms = loop_now_ms(c->base.loop) - c->idle_since_ms;
    uint32_t limit = or_default(c->base.config->idle_timeout_ms, IDLE_TIMEOUT_MS);
    if (c->base.active || c->settled)
        timer_start(&c->timer, limit);
    else if (idle_ms < limit)
        timer_start(&c->timer, limit - idle_ms);
    else
        http_server_h1_finish(c, ERR_TIMEOUT, HTTP_CLOSE_FLUSHED, ERR_OK, NULL);
}

static void on_timer(struct timer *timer)
{
    struct http_server_h1 *c = container_of(timer, struct http_server_h1, timer);
    if (c->timing_head)
        refuse(c, H1_BAD_HEAD_TIMEOUT);
    else
        check_idle(c);
}

/* Where the bytes behind the head belong. */
static bool begin_input(struct http_server_h1 *c, const struct h1_head *head)
{
    struct http_h1 *h = &c->h;
    bool body = true;
    if (head->chunked) {
        http_h1_begin_body(h, H1_BODY_CHUNKED, 0);
    } else if (head->content_length > 0) {
        http_h1_begin_body(h, H1_BODY_LENGTH, (uint64_t)head->content_length);
        h->holds = head->upgrade.len;
    } else {
        body = head->upgrade.len || c->is_connect;
        h->in_state = body ? HTTP_H1_IN_HELD : HTTP_H1_IN_DONE;
    }
    c->awaits_100 = head->expect_continue && h->in_state == HTTP_H1_IN_BODY;
    return body;
}

static void begin_request(struct http_server_h1 *c, const struct h1_head *head)
{
    struct http_h1 *h = &c->h;
    struct http_stream *st = c->base.events->on_stream(&c->base);
    if (c->base.over)
        return;
    if (!st) {
        refuse(c, H1_BAD_OVERLOAD);
        return;
    }
    struct message *m = h1_build_message(head, st->arena, c->base.config->scheme);
    http_stream_attach(st, &http_server_h1_stream_ops, c, &c->base.streams);
    st->in = m;
    h->st = st;
    c->base.active++;
    http_server_took(&c->base);
    c->is_1_0 = m->version == HTTP_1_0;
    c->is_head = slice_eq(m->method, SLICE("HEAD"));
    c->is_connect = slice_eq(m->method, SLICE("CONNECT"));
    c->close_after = !m->keep_alive;
    c->answered = c->head_open = c->tunnel = false;
    bool body = begin_input(c, head);
    h1_parse_next(&h->parse);
    st->events->on_head(st, m, !body);
    if (!body && h->st == st)
        st->events->on_end(st, NULL);
}

static size_t parse_head(struct http_server_h1 *c, const uint8_t *data, size_t len)
{
    struct h1_head head;
    size_t used;
    switch (h1_parse_head(&c->h.parse, data, len, &used, &head)) {
    case H1_PARSE_MORE:
        time_head(c, h1_parse_is_partial(&c->h.parse));
        return used;
    case H1_PARSE_BAD:
        refuse(c, c->h.parse.bad);
        return len;
    case H1_PARSE_DONE:
        break;
    }
    time_head(c, false);
    begin_request(c, &head);
    return used;
}

/* A body that breaks its own framing: the handler hears of it, and the client too if it has no
 * answer. */
static void break_off(struct http_server_h1 *c, enum h1_bad bad)
{
    struct http_stream *st = c->h.st;
    bool answered = c->answered;
    c->h.st = NULL;
    c->base.active--;
    http_stream_abort(st, ERR_PROTOCOL);
    if (c->base.over)
        return;
    if (answered)
        http_server_h1_finish(c, ERR_PROTOCOL, HTTP_CLOSE_RESET, ERR_PROTOCOL,
                              h1_bad_text(bad)->sentence);
    else
        refuse(c, bad);
}

static size_t parse_body(struct http_server_h1 *c, struct chunk *owner, const uint8_t *data,
                         size_t len)
{
    size_t used;
    c->awaits_100 = false;
    if (http_h1_deliver(&c->h, owner, data, len, &used) == H1_BODY_BAD)
        break_off(c, (enum h1_bad)c->h.body.bad);
    return used;
}

/* Takes what can be taken now. The rest of a request that the user gave up is dropped. */
static size_t parse(struct http_server_h1 *c, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct http_h1 *h = &c->h;
    size_t at = 0;
    while (at < len && !c->base.over && !h->dying) {
        if (h->in_state == HTTP_H1_IN_HEAD) {
            at += parse_head(c, data + at, len - at);
        } else if (h->in_state == HTTP_H1_IN_DONE || h->in_state == HTTP_H1_IN_HELD) {
            return at;
        } else if (!h->st) {
            return len;
        } else if (h->in_state == HTTP_H1_IN_BODY) {
            at += parse_body(c, owner, data + at, len - at);
        } else {
            http_h1_deliver_raw(h, owner, data + at, len - at);
            return len;
        }
    }
    return at;
}

static void parse_parked(struct http_server_h1 *c)
{
    while (!c->base.over && c->h.in.len && !http_h1_is_choked(&c->h)) {
        struct slice front = buf_front(&c->h.in);
        size_t used = parse(c, NULL, (const uint8_t *)front.ptr, front.len);
        buf_drain(&c->h.in, used);
        if (used == 0)
            return;
    }
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct http_server_h1 *c = s->owner;
    size_t used = 0;
    if (c->h.dying)
        return;
    if (buf_is_empty(&c->h.in))
        used = parse(c, owner, data, len);
    if (c->base.over)
        return;
    buf_append_shared(&c->h.in, owner, data + used, len - used);
    if (used == 0)
        parse_parked(c);
    if (!c->base.over)
        http_h1_update_reading(&c->h);
}

/* The client sends no more, which says nothing of whether it still listens: what it has asked for
 * in whole is answered, and then the connection ends. That it is gone shows when it is written to,
 * or by a reset. A request that can never be whole any more is given up at once. */
static void take_eof(struct http_server_h1 *c)
{
    struct http_h1 *h = &c->h;
    if (h->in.len || c->settled)
        return; /* that comes first */
    switch (h->in_state) {
    case HTTP_H1_IN_HEAD:
        if (h1_parse_is_partial(&h->parse))
            http_server_h1_finish(c, ERR_CLOSED, HTTP_CLOSE_NOW, ERR_CLOSED, closed_early);
        else
            http_server_h1_finish(c, ERR_CLOSED, HTTP_CLOSE_FLUSHED, ERR_OK, NULL);
        break;
    case HTTP_H1_IN_BODY:
        if (!h->out_ended)
            http_server_h1_finish(c, ERR_CLOSED, HTTP_CLOSE_NOW, ERR_CLOSED, closed_early);
        break;
    case HTTP_H1_IN_TUNNEL:
        if (c->bare_eof) {
            http_server_h1_finish(c, ERR_CLOSED, HTTP_CLOSE_RESET, ERR_CLOSED, closed_bare);
            break;
        }
        http_h1_end_input(h, NULL);
        http_h1_wake(h);
        break;
    default:
        c->close_after = true;
        break;
    }
}

static void on_eof(struct stream *s)
{
    struct http_server_h1 *c = s->owner;
    c->eof = true;
    http_h1_wake(&c->h);
}

/* Requests say where they end, so it is as good an end as any, but to what was switched. */
static void on_bare_eof(struct stream *s)
{
    struct http_server_h1 *c = s->owner;
    c->bare_eof = true;
    on_eof(s);
}

static void on_fail(struct stream *s, enum err why)
{
    struct http_server_h1 *c = s->owner;
    struct stream_info info;
    stream_info(s, &info);
    /* Many clients end an idle connection with a reset. */
    bool idle = !c->h.st && !c->settled && !h1_parse_is_partial(&c->h.parse) && why == ERR_RESET;
    http_server_h1_finish(c, why, HTTP_CLOSE_NOW, idle ? ERR_OK : why, info.fail_detail);
}

static void on_drain(struct stream *s)
{
    struct http_server_h1 *c = s->owner;
    http_h1_wake(&c->h);
}

static const struct stream_events transport_events = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_bare_eof = on_bare_eof,
    .on_drain = on_drain,
    .on_fail = on_fail,
};

static void drain(struct http_server *s)
{
    struct http_server_h1 *c = server_of(s);
    bool idle = !c->h.st && !c->settled && !h1_parse_is_partial(&c->h.parse) && !c->h.in.len;
    if (idle && !c->h.dying)
        http_server_h1_finish(c, ERR_CANCELED, HTTP_CLOSE_FLUSHED, ERR_OK, NULL);
}

static void destroy(struct http_server *s)
{
    struct http_server_h1 *c = server_of(s);
    timer_stop(&c->timer);
    http_h1_dispose(&c->h);
    mem_free(c);
}

/* The end of the turn: what waited is parsed, what was answered is sent. */
static void run_work(struct loop_task *task)
{
    struct http_server_h1 *c = container_of(task, struct http_server_h1, h.work);
    do {
        if (c->base.over)
            return;
        if (c->h.dying) {
            http_server_h1_finish(c, c->abort_why, HTTP_CLOSE_RESET, c->abort_why, c->detail);
            return;
        }
        parse_parked(c);
    } while (!c->base.over && http_server_h1_push(c));
    if (!c->base.over && c->eof)
        take_eof(c);
    if (!c->base.over)
        http_h1_update_reading(&c->h);
}

struct http_server *http_server_h1_create(struct stream *transport,
                                          const struct http_server_config *config,
                                          const struct http_server_events *events, void *owner,
                                          struct buf *early)
{
    static const struct http_server_ops ops = {.drain = drain, .destroy = destroy};
    struct h1_limits limits = {
        .header_bytes = config->max_header_bytes ? config->max_header_bytes : HEADER_BYTES,
        .header_count = config->max_header_count ? config->max_header_count : HEADER_COUNT_MAX,
        .target_bytes = config->max_target_bytes ? config->max_target_bytes : TARGET_BYTES,
    };
    struct http_server_h1 *c = mem_zalloc(sizeof(*c));
    http_server_init(&c->base, &ops, transport, config, events, owner);
    http_h1_init(&c->h, transport, H1_REQUEST, &limits, config->scheme, run_work);
    c->h.in_state = HTTP_H1_IN_HEAD;
    c->idle_since_ms = loop_now_ms(c->base.loop);
    timer_init(&c->timer, c->base.loop, on_timer);
    timer_start(&c->timer, config->idle_timeout_ms ? config->idle_timeout_ms : IDLE_TIMEOUT_MS);
    stream_use(transport, &transport_events, c);
    if (early && early->len) {
        buf_move_all(&c->h.in, early);
        http_h1_wake(&c->h);
    }
    http_h1_update_reading(&c->h);
    return &c->base;
}
