/* The client end of an HTTP/1 connection: one request at a time out, its answer in, and the
 * judgement whether the connection may be used again. Framing and flow are in http_h1.c. On the
 * connection's worker.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/codec/http/h1_build.h"
#include "lib/io/tcp.h"
#include "lib/net/http_client_priv.h"
#include "lib/net/http_h1.h"
#include "lib/net/tls_stream.h"

enum {
    HEADER_BYTES = 65536,
    HEADER_COUNT_MAX = 100,
    INTERIM_MAX = 32, /* 1xx heads before one answer */
};

struct client {
    struct http_client base;
    struct http_h1 h;
    enum err abort_why; /* when dying */
    unsigned interims;
    bool is_head, is_connect, asked_upgrade; /* the current request */
    bool answer_began;                       /* any byte of it */
    bool head_came;                          /* the final one */
    bool tunnel;
    bool shut;    /* our direction of the tunnel is closed */
    bool settled; /* the user reset it when it was over: only sending is left */
    bool single_use;
};

static struct client *client_of(const struct http_client *c)
{
    return container_of((struct http_client *)c, struct client, base);
}

static void finish(struct client *c, enum err abort_why, enum http_close how, enum err why)
{
    c->h.st = NULL;
    http_client_finish(&c->base, abort_why, how, why);
}

static void die(struct client *c, enum err why)
{
    c->h.dying = true;
    c->abort_why = why;
    http_h1_wake(&c->h);
}

/* The answer is refused, or the connection broke. */
static void fail(struct client *c, enum err why)
{
    finish(c, why, HTTP_CLOSE_NOW, why);
}

static enum err answer_err(enum h1_bad bad)
{
    switch (bad) {
    case H1_BAD_FIELDS_TOO_MANY:
        return ERR_MANY_FIELDS;
    case H1_BAD_FIELDS_TOO_LARGE:
    case H1_BAD_TRAILERS_TOO_LARGE:
        return ERR_LARGE_FIELDS;
    default:
        return ERR_PROTOCOL;
    }
}

static enum h1_body_mode body_mode(const struct client *c, const struct h1_head *head)
{
    bool bodiless = head->status == 204 || head->status == 304 || c->is_head;
    if (bodiless || head->content_length == 0)
        return H1_BODY_NONE;
    if (head->chunked)
        return H1_BODY_CHUNKED;
    return head->content_length > 0 ? H1_BODY_LENGTH : H1_BODY_UNTIL_CLOSE;
}

/* Now the bytes that the user sent ahead may go. */
static void begin_tunnel(struct client *c)
{
    c->tunnel = true;
    c->h.out_open = true;
    c->h.out_framing = H1_FRAMING_RAW;
    c->h.in_state = HTTP_H1_IN_TUNNEL;
    http_h1_wake(&c->h);
}

/* Nothing was switched, so there is nothing that our side could still send but the body's rest. */
static void decline_switch(struct client *c)
{
    if (c->h.out_left)
        return;
    c->h.out_framing = H1_FRAMING_NONE;
    c->h.out_open = c->h.out_ended = true;
}

/* RFC 9112 §6.3. False: there is no body. */
static bool begin_input(struct client *c, const struct h1_head *head)
{
    bool switched = c->is_connect ? head->status / 100 == 2 : head->status == 101;
    if (switched) {
        begin_tunnel(c);
        return true;
    }
    if (c->is_connect || c->asked_upgrade)
        decline_switch(c);
    enum h1_body_mode mode = body_mode(c, head);
    c->single_use |= !head->keep_alive || mode == H1_BODY_UNTIL_CLOSE;
    c->base.keep_alive_ms = head->keep_alive_ms;
    if (mode == H1_BODY_NONE) {
        c->h.in_state = HTTP_H1_IN_DONE;
        return false;
    }
    http_h1_begin_body(&c->h, mode, mode == H1_BODY_LENGTH ? (uint64_t)head->content_length : 0);
    return true;
}

static void begin_answer(struct client *c, const struct h1_head *head)
{
    struct http_stream *st = c->h.st;
    bool interim = head->status < 200 && head->status != 101;
    bool may_switch = c->asked_upgrade && !c->h.out_left;
    if ((interim && ++c->interims > INTERIM_MAX) || (head->status == 101 && !may_switch)) {
        fail(c, ERR_PROTOCOL);
        return;
    }
    struct message *m = h1_build_message(head, st->arena, (struct slice){NULL, 0});
    h1_parse_next(&c->h.parse);
    if (interim) {
        st->events->on_head(st, m, false);
        return;
    }
    st->in = m;
    c->head_came = true;
    bool body = begin_input(c, head);
    st->events->on_head(st, m, !body);
    if (body || c->h.st != st)
        return;
    st->events->on_end(st, NULL);
    http_h1_wake(&c->h);
}

static size_t parse_head(struct client *c, const uint8_t *data, size_t len)
{
    struct h1_head head;
    size_t used;
    enum h1_parse_result result = h1_parse_head(&c->h.parse, data, len, &used, &head);
    if (result == H1_PARSE_BAD)
        fail(c, answer_err(c->h.parse.bad));
    else if (result == H1_PARSE_DONE)
        begin_answer(c, &head);
    return used;
}

static size_t parse_body(struct client *c, struct chunk *owner, const uint8_t *data, size_t len)
{
    size_t used;
    switch (http_h1_deliver(&c->h, owner, data, len, &used)) {
    case H1_BODY_BAD:
        fail(c, answer_err((enum h1_bad)c->h.body.bad));
        break;
    case H1_BODY_END:
        http_h1_wake(&c->h);
        break;
    default:
        break;
    }
    return used;
}

/* Takes what can be taken now. Bytes that no request asked for end the connection's use. */
static size_t parse(struct client *c, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct http_h1 *h = &c->h;
    size_t at = 0;
    while (at < len && !c->base.over && !h->dying) {
        if (h->in_state == HTTP_H1_IN_IDLE || h->in_state == HTTP_H1_IN_DONE || !h->st) {
            c->single_use = true;
            return len;
        }
        if (h->in_state == HTTP_H1_IN_HEAD) {
            c->answer_began = true;
            at += parse_head(c, data + at, len - at);
        } else if (h->in_state == HTTP_H1_IN_BODY) {
            at += parse_body(c, owner, data + at, len - at);
        } else {
            http_h1_deliver_raw(h, owner, data + at, len - at);
            return len;
        }
    }
    return at;
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct client *c = s->owner;
    if (c->h.dying)
        return;
    parse(c, owner, data, len);
    if (c->base.over)
        return;
    if (c->h.in_state == HTTP_H1_IN_IDLE)
        fail(c, ERR_PROTOCOL);
    else
        http_h1_update_reading(&c->h);
}

/* RFC 9112 §8: only a body that is delimited by it may end with the connection. */
static void on_eof(struct stream *s)
{
    struct client *c = s->owner;
    struct http_h1 *h = &c->h;
    if (h->dying)
        return;
    c->single_use = true;
    bool delimits = h->in_state == HTTP_H1_IN_BODY && h->body.mode == H1_BODY_UNTIL_CLOSE;
    if (h->st && (delimits || h->in_state == HTTP_H1_IN_TUNNEL)) {
        http_h1_end_input(h, NULL);
        http_h1_wake(h);
    } else if (h->in_state != HTTP_H1_IN_DONE) {
        bool idle = h->in_state == HTTP_H1_IN_IDLE;
        enum err why = h->handed || idle ? ERR_CLOSED : ERR_UNDELIVERED;
        finish(c, why, HTTP_CLOSE_NOW, idle ? ERR_OK : ERR_CLOSED);
    }
}

/* RFC 9112 §9.8: an answer that says where it ends is whole all the same. */
static void on_bare_eof(struct stream *s)
{
    struct client *c = s->owner;
    struct http_h1 *h = &c->h;
    bool delimits = h->in_state == HTTP_H1_IN_BODY && h->body.mode == H1_BODY_UNTIL_CLOSE;
    if (h->dying || !(h->st && (delimits || h->in_state == HTTP_H1_IN_TUNNEL)))
        on_eof(s);
    else
        fail(c, ERR_CLOSED);
}

static void on_fail(struct stream *s, enum err why)
{
    struct client *c = s->owner;
    bool cut = why == ERR_RESET || why == ERR_BROKEN_PIPE;
    enum err abort_why = why;
    if (!c->h.handed)
        abort_why = ERR_UNDELIVERED;
    else if (cut && !c->answer_began)
        abort_why = ERR_CLOSED;
    finish(c, abort_why, HTTP_CLOSE_NOW, why);
}

static void on_drain(struct stream *s)
{
    struct client *c = s->owner;
    http_h1_wake(&c->h);
}

static const struct stream_events transport_events = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_bare_eof = on_bare_eof,
    .on_drain = on_drain,
    .on_fail = on_fail,
};

static void send_head(struct http_stream *st, const struct message *head, bool end)
{
    /* A client's head goes with http_client_send. */
    (void)st;
    (void)head;
    (void)end;
}

static void send_body(struct http_stream *st, struct buf *data, bool end)
{
    struct client *c = st->conn;
    if (c)
        http_h1_send_body(&c->h, data, end);
    else
        buf_dispose(data);
}

static void send_trailers(struct http_stream *st, const struct headers *trailers)
{
    struct client *c = st->conn;
    if (c)
        http_h1_send_trailers(&c->h, trailers);
}

static void consume(struct http_stream *st, size_t n)
{
    struct client *c = st->conn;
    if (c)
        http_h1_consume(&c->h, n);
}

/* Unless both directions were over, what is still on its way would be taken for the next answer. */
static void reset(struct http_stream *st, enum err why)
{
    struct client *c = st->conn;
    if (!c)
        return;
    bool over = c->h.in_state == HTTP_H1_IN_DONE && c->h.out_ended && !c->tunnel && !c->h.dying;
    c->settled = over && http_h1_pack(&c->h) == ERR_OK;
    c->h.st = NULL;
    c->base.active--;
    http_stream_detach(st);
    if (c->settled)
        http_h1_wake(&c->h);
    else if (!c->h.dying)
        die(c, why ? why : ERR_CANCELED);
}

static const struct http_stream_ops stream_ops = {
    .send_head = send_head,
    .send_body = send_body,
    .send_trailers = send_trailers,
    .consume = consume,
    .reset = reset,
};

/* What the request's head says of its body. A method without a body says nothing. */
static enum h1_framing choose_framing(struct client *c, const struct message *m, bool end)
{
    static const struct slice with_body[] = {{"POST", 4}, {"PUT", 3}, {"PATCH", 5}};
    struct http_h1 *h = &c->h;
    h->out_left = m->content_length > 0 ? (uint64_t)m->content_length : 0;
    h->out_framing = H1_FRAMING_LENGTH;
    if (c->is_connect) {
        h->out_framing = H1_FRAMING_RAW;
        return H1_FRAMING_NONE;
    }
    if (m->content_length >= 0)
        return H1_FRAMING_LENGTH;
    if (c->asked_upgrade)
        return H1_FRAMING_NONE;
    if (!end) {
        h->out_framing = H1_FRAMING_CHUNKED;
        return H1_FRAMING_CHUNKED;
    }
    for (size_t i = 0; i < sizeof(with_body) / sizeof(with_body[0]); i++) {
        if (slice_eq(m->method, with_body[i]))
            return H1_FRAMING_LENGTH;
    }
    return H1_FRAMING_NONE;
}

static void send_request(struct http_client *base, struct http_stream *st, const struct message *m,
                         bool end)
{
    struct client *c = client_of(base);
    struct http_h1 *h = &c->h;
    http_stream_attach(st, &stream_ops, c, &c->base.streams);
    h->st = st;
    c->base.active++;
    c->interims = 0;
    c->is_head = slice_eq(m->method, SLICE("HEAD"));
    c->is_connect = slice_eq(m->method, SLICE("CONNECT"));
    c->asked_upgrade = m->upgrade.len > 0;
    c->answer_began = c->head_came = false;
    c->single_use |= c->is_connect || c->asked_upgrade;
    h->in_state = HTTP_H1_IN_HEAD;
    enum h1_framing said = choose_framing(c, m, end);
    bool old = m->version == HTTP_1_0 && said != H1_FRAMING_CHUNKED && !c->asked_upgrade;
    struct message head = *m;
    head.version = old ? HTTP_1_0 : HTTP_1_1;
    h1_write_request(&h->out, &head, said, h->out_left,
                     old ? H1_CONNECTION_KEEP_ALIVE : H1_CONNECTION_DEFAULT);
    h->out_open = !c->is_connect && (!c->asked_upgrade || h->out_left);
    h->out_ended = end;
    http_h1_wake(h);
}

/* Both directions are over. */
static void complete(struct client *c)
{
    struct http_stream *st = c->h.st;
    bool again = !c->single_use && !c->base.draining;
    c->h.st = NULL;
    c->settled = false;
    http_h1_rewind(&c->h);
    if (st) {
        c->base.active--;
        http_stream_detach(st);
        st->events->on_done(st);
    }
    if (c->base.over)
        return;
    if (!again)
        finish(c, ERR_CLOSED, HTTP_CLOSE_FLUSHED, ERR_OK);
    else if (c->base.events->on_capacity)
        c->base.events->on_capacity(&c->base);
}

static void push(struct client *c)
{
    struct http_h1 *h = &c->h;
    if ((!h->st && !c->settled) || !http_h1_may_pack(h))
        return;
    if (http_h1_pack(h)) {
        fail(c, ERR_INVALID);
        return;
    }
    http_h1_flush(h);
    if (h->st)
        http_stream_check_writable(h->st);
    if (h->dying || c->base.over)
        return;
    if (c->tunnel && h->out_packed && !c->shut) {
        c->shut = true;
        stream_shutdown(c->base.transport);
    }
    if (h->in_state != HTTP_H1_IN_DONE)
        return;
    if (h->out_packed) {
        complete(c);
        return;
    }
    /* The answer overtook the request: nothing else may follow on this connection. */
    c->single_use = true;
    http_client_retire(&c->base);
}

static void run_work(struct loop_task *task)
{
    struct client *c = container_of(task, struct client, h.work);
    if (!c->base.over && !c->h.dying)
        push(c);
    if (c->base.over)
        return;
    if (c->h.dying)
        finish(c, c->abort_why, HTTP_CLOSE_RESET, c->abort_why); /* a FIN would not say it */
    else
        http_h1_update_reading(&c->h);
}

static unsigned capacity(const struct http_client *base)
{
    const struct client *c = client_of(base);
    return base->active || c->settled || c->single_use || c->h.dying ? 0 : 1;
}

static void drain(struct http_client *base)
{
    struct client *c = client_of(base);
    if (!base->active && !c->settled && !c->h.dying)
        finish(c, ERR_CANCELED, HTTP_CLOSE_FLUSHED, ERR_OK);
}

static bool is_stale(struct http_client *base)
{
    struct stream *s = base->transport;
    for (struct stream *lower; (lower = tls_stream_lower(s));)
        s = lower;
    return !base->active && tcp_is_stale(s);
}

static bool owes_reset(const struct http_client *base)
{
    return client_of(base)->h.dying;
}

static bool answer_began(const struct http_client *base, const struct http_stream *st)
{
    (void)st;
    return client_of(base)->answer_began;
}

static void destroy(struct http_client *base)
{
    struct client *c = client_of(base);
    http_h1_dispose(&c->h);
    mem_free(c);
}

struct http_client *http_client_h1_create(struct stream *transport,
                                          const struct http_client_config *config,
                                          const struct http_client_events *events, void *owner)
{
    static const struct http_client_ops ops = {
        .capacity = capacity,
        .send = send_request,
        .drain = drain,
        .is_stale = is_stale,
        .owes_reset = owes_reset,
        .answer_began = answer_began,
        .destroy = destroy,
    };
    struct h1_limits limits = {
        .header_bytes = config->max_header_bytes ? config->max_header_bytes : HEADER_BYTES,
        .header_count = config->max_header_count ? config->max_header_count : HEADER_COUNT_MAX,
        .target_bytes = 0,
    };
    struct client *c = mem_zalloc(sizeof(*c));
    http_client_init(&c->base, &ops, transport, config, events, owner);
    http_h1_init(&c->h, transport, H1_RESPONSE, &limits, (struct slice){NULL, 0}, run_work);
    stream_use(transport, &transport_events, c);
    http_h1_update_reading(&c->h);
    return &c->base;
}
