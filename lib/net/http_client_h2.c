/* The client end of an HTTP/2 connection. It knows which requests have left (for ERR_UNDELIVERED),
 * and sends a PING when the peer is silent while answers are owed. On the connection's worker;
 * frames are lib/codec's business.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_client_priv.h"

#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/net/h2_link.h"

enum {
    DEFAULT_PING_TIMEOUT_MS = 10000,
    BLOCKED_MS = 500, /* without window: some of its streams hold it, and it is no use to others */
};

struct h2_client {
    struct http_client base;
    struct h2_link link;
    struct timer timer;
    uint64_t ping_ms;     /* when the PING under way left; 0: none */
    uint64_t asked_ms;    /* when the newest request was sent */
    uint64_t blocked_ms;  /* since when the connection's window is used up; 0: it is not */
    int32_t last_id;      /* of the newest stream */
    int32_t last_flushed; /* of the newest whose head was handed to the transport */
    bool goaway_sent;
};

static struct h2_client *client_of_link(struct h2_link *l)
{
    return container_of(l, struct h2_client, link);
}

static struct h2_client *client_of(struct h2 *h)
{
    return client_of_link(h2_owner(h));
}

static struct h2_client *client_of_base(struct http_client *base)
{
    return container_of(base, struct h2_client, base);
}

static struct http_stream *first_unsent(const struct h2_client *c)
{
    LIST_FOREACH(node, &c->base.streams)
    {
        struct http_stream *st = container_of(node, struct http_stream, node);
        const struct h2_stream *hs = st->codec;
        if (hs->id > c->last_flushed)
            return st;
    }
    return NULL;
}

/* Streams whose heads never left us were not delivered, whatever ended the connection. */
static void finish(struct h2_client *c, enum err abort_why, bool flush, enum err why)
{
    struct http_stream *st;
    if (c->base.over)
        return;
    http_client_retire(&c->base);
    while (!c->base.over && (st = first_unsent(c))) {
        c->base.active--;
        ((struct h2_stream *)st->codec)->user = NULL;
        http_stream_abort(st, ERR_UNDELIVERED);
    }
    http_client_finish(&c->base, abort_why, flush, why);
}

static uint64_t interval_of(const struct h2_client *c)
{
    return c->base.config->ping_interval_ms;
}

/* Requests that were given up count as well: on a dead connection that is what becomes of them. */
static bool is_owed(const struct h2_client *c)
{
    return c->base.active > 0 || c->asked_ms > c->link.heard_ms;
}

static uint64_t patience_of(const struct h2_client *c)
{
    uint32_t ms = c->base.config->ping_timeout_ms;
    return ms ? ms : DEFAULT_PING_TIMEOUT_MS;
}

static void on_timer(struct timer *t)
{
    struct h2_client *c = container_of(t, struct h2_client, timer);
    uint64_t now = loop_now_ms(c->base.loop), heard = c->link.heard_ms;
    if (c->base.over || !is_owed(c)) {
        c->ping_ms = 0;
        return;
    }
    if (c->ping_ms && heard < c->ping_ms)
        return finish(c, ERR_TIMEOUT, false, ERR_TIMEOUT);
    c->ping_ms = 0;
    if (now - heard < interval_of(c)) {
        timer_start(t, interval_of(c) - (now - heard));
        return;
    }
    c->ping_ms = now;
    h2_ping(c->link.h2);
    h2_link_wake(&c->link);
    timer_start(t, patience_of(c));
}

static void tell_capacity(struct h2_client *c);

/* A peer may count what its users do not read against all of a connection's streams. */
static void note_window(struct h2_client *c)
{
    bool blocked = h2_is_blocked(c->link.h2);
    if (blocked && !c->blocked_ms)
        c->blocked_ms = loop_now_ms(c->base.loop);
    if (blocked || !c->blocked_ms)
        return;
    c->blocked_ms = 0;
    tell_capacity(c);
}

static void after_flush(struct h2_link *l)
{
    struct h2_client *c = client_of_link(l);
    note_window(c);
    if (c->base.over)
        return;
    enum err why = h2_error(l->h2, NULL);
    c->last_flushed = c->last_id;
    if (c->base.draining && c->base.active == 0 && !c->goaway_sent) {
        c->goaway_sent = true;
        h2_goaway(l->h2);
        h2_link_wake(l);
    } else if (l->broken || (h2_is_over(l->h2) && buf_is_empty(h2_output(l->h2)))) {
        finish(c, why ? why : ERR_CLOSED, true, why);
    }
}

/* ---- what the codec tells ---- */

static void tell_capacity(struct h2_client *c)
{
    if (!c->base.retired && !c->base.draining && c->base.events->on_capacity)
        c->base.events->on_capacity(&c->base);
}

static void on_done(struct h2_stream *hs)
{
    struct h2_client *c = client_of(hs->h2);
    struct http_stream *st = hs->user;
    if (c->base.over)
        return;
    c->base.active--;
    http_stream_detach(st);
    st->events->on_done(st);
    if (!c->base.over)
        tell_capacity(c);
}

static void on_abort(struct h2_stream *hs, enum err why)
{
    struct h2_client *c = client_of(hs->h2);
    if (c->base.over)
        return;
    c->base.active--;
    http_stream_abort(hs->user, why);
    if (!c->base.over)
        tell_capacity(c);
}

static void on_settings(struct h2 *h)
{
    struct h2_client *c = client_of(h);
    if (!c->base.over)
        tell_capacity(c);
}

static void on_pong(struct h2 *h)
{
    (void)h; /* that bytes came is all the timer asks for */
}

static void on_goaway(struct h2 *h, uint32_t code)
{
    struct h2_client *c = client_of(h);
    (void)code;
    if (!c->base.over)
        http_client_retire(&c->base);
}

static const struct h2_events codec_events = {
    .on_head = h2_link_on_head,
    .on_data = h2_link_on_data,
    .on_end = h2_link_on_end,
    .on_taken = h2_link_on_taken,
    .on_done = on_done,
    .on_abort = on_abort,
    .on_settings = on_settings,
    .on_pong = on_pong,
    .on_goaway = on_goaway,
};

/* ---- what the transport tells ---- */

static void on_data(struct stream *t, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct h2_client *c = t->owner;
    h2_link_feed(&c->link, owner, data, len);
}

static void on_eof(struct stream *t)
{
    struct h2_client *c = t->owner;
    finish(c, ERR_CLOSED, false, c->base.active ? ERR_CLOSED : ERR_OK);
}

static void on_drain(struct stream *t)
{
    struct h2_client *c = t->owner;
    h2_link_drained(&c->link);
}

static void on_fail(struct stream *t, enum err why)
{
    struct h2_client *c = t->owner;
    finish(c, why, false, why);
}

static const struct stream_events transport_events = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_bare_eof = on_eof, /* frames say where everything ends */
    .on_drain = on_drain,
    .on_fail = on_fail,
};

/* ---- what the user asks ---- */

static bool owes_reset(const struct http_client *base)
{
    const struct h2_client *c = container_of(base, struct h2_client, base);
    return h2_open_streams(c->link.h2) > 0;
}

static unsigned capacity(const struct http_client *base)
{
    const struct h2_client *c = container_of(base, struct h2_client, base);
    if (c->blocked_ms && loop_now_ms(base->loop) - c->blocked_ms >= BLOCKED_MS)
        return 0;
    return h2_capacity(c->link.h2);
}

static void send_request(struct http_client *base, struct http_stream *st,
                         const struct message *request, bool end)
{
    struct h2_client *c = client_of_base(base);
    h2_link_attach(&c->link, st, &base->streams);
    struct h2_stream *hs = h2_send_request(c->link.h2, request, end, st, st->arena, &st->out);
    h2_link_wake(&c->link);
    if (!hs) {
        if (http_stream_is_live(st)) {
            base->active--;
            http_stream_abort(st, ERR_UNDELIVERED);
        }
        return;
    }
    st->codec = hs;
    st->id = c->last_id = hs->id;
    c->asked_ms = loop_now_ms(base->loop);
    if (interval_of(c) && !timer_is_running(&c->timer))
        timer_start(&c->timer, interval_of(c));
    if (h2_is_used_up(c->link.h2))
        http_client_retire(base);
}

static void drain(struct http_client *base)
{
    struct h2_client *c = client_of_base(base);
    http_client_retire(base);
    h2_link_wake(&c->link);
}

static bool answer_began(const struct http_client *base, const struct http_stream *st)
{
    (void)base;
    return st->state & H2_LINK_ANSWERED;
}

static void destroy(struct http_client *base)
{
    struct h2_client *c = client_of_base(base);
    timer_stop(&c->timer);
    h2_link_dispose(&c->link);
    mem_free(c);
}

static const struct http_client_ops ops = {
    .capacity = capacity,
    .owes_reset = owes_reset,
    .send = send_request,
    .drain = drain,
    .answer_began = answer_began,
    .destroy = destroy,
};

struct http_client *http_client_h2_create(struct stream *transport,
                                          const struct http_client_config *config,
                                          const struct http_client_events *events, void *owner)
{
    struct h2_client *c = mem_zalloc(sizeof(*c));
    struct h2_config codec = {
        .max_header_bytes = config->max_header_bytes,
        .max_header_count = config->max_header_count,
        .stream_window = config->stream_window,
        .connection_window = config->connection_window,
    };
    http_client_init(&c->base, &ops, transport, config, events, owner);
    timer_init(&c->timer, c->base.loop, on_timer);
    c->link.over = &c->base.over;
    c->link.active = &c->base.active;
    c->link.after_flush = after_flush;
    h2_link_init(&c->link, transport, &codec, &codec_events);
    stream_use(transport, &transport_events, c);
    stream_read_start(transport);
    return &c->base;
}
