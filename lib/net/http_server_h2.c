/* The server end of an HTTP/2 connection. Requests reach the user when their heads are whole and
 * well-formed; the graceful end is GOAWAY in two steps, a PING apart. On the connection's worker;
 * frames are lib/codec's business.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_server_priv.h"

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_guard.h"
#include "lib/io/timer.h"
#include "lib/net/h2_link.h"

enum {
    DEFAULT_HEAD_TIMEOUT_MS = 10000,
    DEFAULT_IDLE_TIMEOUT_MS = 3600000,
    NOTICE_MS = 1000, /* how long the peer has to answer the PING between the two GOAWAYs */
    DEFAULT_PING_TIMEOUT_MS = 10000,
};

struct h2_server {
    struct http_server base;
    struct h2_link link;
    struct timer timer;
    uint64_t head_since_ms;  /* a preface or head has begun; 0: no */
    uint32_t head_of;        /* whose, see h2_mid_head */
    uint64_t idle_since_ms;  /* no request is live; 0: some are */
    uint64_t drain_since_ms; /* the first GOAWAY is out; 0: it is not, or the second is as well */
    uint64_t ping_ms;        /* when the PING that asks whether the client is there left; 0: none */
    bool goaway_wanted;      /* the second GOAWAY is due */
    bool timed_out;          /* a head took too long */
    bool eof;                /* the client sends no more, … */
    bool input_ended;        /* which the codec knows … */
    bool cut_short;          /* … and it had begun requests that it did not end */
};

static struct h2_server *server_of_link(struct h2_link *l)
{
    return container_of(l, struct h2_server, link);
}

static struct h2_server *server_of(struct h2 *h)
{
    return server_of_link(h2_owner(h));
}

static uint64_t now_of(const struct h2_server *s)
{
    return loop_now_ms(s->base.loop);
}

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value ? value : standard;
}

static uint64_t head_due(const struct h2_server *s)
{
    uint32_t limit = or_default(s->base.config->head_timeout_ms, DEFAULT_HEAD_TIMEOUT_MS);
    return s->head_since_ms && !s->eof ? s->head_since_ms + limit : UINT64_MAX;
}

static uint64_t idle_due(const struct h2_server *s)
{
    uint32_t limit = or_default(s->base.config->idle_timeout_ms, DEFAULT_IDLE_TIMEOUT_MS);
    return s->idle_since_ms ? s->idle_since_ms + limit : UINT64_MAX;
}

static uint64_t notice_due(const struct h2_server *s)
{
    return s->drain_since_ms ? s->drain_since_ms + NOTICE_MS : UINT64_MAX;
}

/* The next PING, or the moment when the last one has waited long enough. */
static uint64_t ping_due(const struct h2_server *s)
{
    const struct http_server_config *config = s->base.config;
    if (!config->ping_interval_ms || !s->base.active || s->eof)
        return UINT64_MAX;
    uint64_t heard = s->link.heard_ms;
    if (!s->ping_ms)
        return heard + config->ping_interval_ms;
    return (heard > s->ping_ms ? heard : s->ping_ms) +
           or_default(config->ping_timeout_ms, DEFAULT_PING_TIMEOUT_MS);
}

static uint64_t min_ms(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The timer is only ever moved forward; when it fires too early it looks again. */
static void arm(struct h2_server *s)
{
    uint64_t due = min_ms(min_ms(head_due(s), idle_due(s)), min_ms(notice_due(s), ping_due(s)));
    if (due == UINT64_MAX || (timer_is_running(&s->timer) && s->timer.due_ms <= due))
        return;
    uint64_t now = now_of(s);
    timer_start(&s->timer, due > now ? due - now : 0);
}

static void begin_drain(struct http_server *base)
{
    struct h2_server *s = container_of(base, struct h2_server, base);
    s->drain_since_ms = now_of(s);
    h2_notice(s->link.h2);
    h2_link_wake(&s->link);
    arm(s);
}

static bool is_unresponsive(struct h2_server *s, uint64_t now)
{
    if (ping_due(s) > now)
        return false;
    if (s->ping_ms)
        return true;
    s->ping_ms = now;
    h2_ping(s->link.h2);
    return false;
}

static void on_timer(struct timer *t)
{
    struct h2_server *s = container_of(t, struct h2_server, timer);
    uint64_t now = now_of(s);
    if (s->base.over)
        return;
    if (head_due(s) <= now) {
        s->timed_out = true;
        h2_abandon(s->link.h2, H2_ENHANCE_YOUR_CALM, "head took too long");
    } else if (is_unresponsive(s, now)) {
        http_server_finish(&s->base, ERR_TIMEOUT, HTTP_CLOSE_NOW, ERR_TIMEOUT,
                           "the client does not answer any more");
        return;
    } else if (notice_due(s) <= now || idle_due(s) <= now) {
        s->goaway_wanted = true;
        s->idle_since_ms = 0;
    }
    h2_link_wake(&s->link);
    arm(s);
}

static void finish(struct h2_server *s)
{
    char id[MESSAGE_REQUEST_ID_SIZE] = ""; /* no answer carries it */
    const char *detail;
    enum err why = h2_error(s->link.h2, &detail);
    if (s->timed_out)
        why = ERR_TIMEOUT;
    if (s->timed_out && s->base.events->on_bad_request)
        s->base.events->on_bad_request(&s->base, 408, detail, id);
    http_server_finish(&s->base, why ? why : ERR_CLOSED, true, why, detail);
}

static void note_activity(struct h2_server *s)
{
    uint32_t head_of = h2_mid_head(s->link.h2);
    if (head_of != s->head_of)
        s->head_since_ms = head_of ? now_of(s) : 0;
    s->head_of = head_of;
    if (s->base.active)
        s->idle_since_ms = 0;
    else if (!s->idle_since_ms)
        s->idle_since_ms = now_of(s);
    arm(s);
}

/* The client sends no more and is not gone for that: what it has asked for in whole is answered.
 * True: all of it was. */
static bool is_served(struct h2_server *s)
{
    struct h2 *h = s->link.h2;
    if (!s->input_ended) {
        s->input_ended = true;
        s->cut_short = !h2_end_input(h);
        h2_link_wake(&s->link);
    }
    return !s->base.active && h2_open_streams(h) == 0 && buf_is_empty(h2_output(h));
}

static void after_flush(struct h2_link *l)
{
    struct h2_server *s = server_of_link(l);
    if (s->goaway_wanted) {
        s->goaway_wanted = false;
        s->drain_since_ms = 0;
        h2_goaway(l->h2);
        h2_link_wake(l);
    } else if (l->broken || (h2_is_over(l->h2) && buf_is_empty(h2_output(l->h2)))) {
        finish(s);
    } else if (s->eof && is_served(s)) {
        enum err why = s->cut_short ? ERR_CLOSED : ERR_OK;
        http_server_finish(&s->base, ERR_CLOSED, HTTP_CLOSE_FLUSHED, why, NULL);
    } else {
        note_activity(s);
    }
}

/* ---- what the codec tells ---- */

static struct arena *on_stream(struct h2 *h, struct h2_stream *hs)
{
    struct h2_server *s = server_of(h);
    if (s->base.over)
        return NULL;
    struct http_stream *st = s->base.events->on_stream(&s->base);
    if (!st)
        return NULL;
    h2_link_attach(&s->link, st, &s->base.streams);
    st->id = hs->id;
    st->codec = hs;
    hs->user = st;
    hs->out = &st->out;
    http_server_took(&s->base);
    return st->arena;
}

static void on_done(struct h2_stream *hs)
{
    struct h2_server *s = server_of(hs->h2);
    struct http_stream *st = hs->user;
    if (s->base.over)
        return;
    s->base.active--;
    http_stream_detach(st);
    st->events->on_done(st);
}

static void on_abort(struct h2_stream *hs, enum err why)
{
    struct h2_server *s = server_of(hs->h2);
    if (s->base.over)
        return;
    s->base.active--;
    http_stream_abort(hs->user, why);
}

static void on_bad_head(struct h2 *h, unsigned status, const char *reason,
                        char id[MESSAGE_REQUEST_ID_SIZE])
{
    struct h2_server *s = server_of(h);
    if (!s->base.over && s->base.events->on_bad_request)
        s->base.events->on_bad_request(&s->base, status, reason, id);
}

static void on_settings(struct h2 *h)
{
    (void)h;
}

static void on_pong(struct h2 *h)
{
    struct h2_server *s = server_of(h);
    if (s->ping_ms)
        s->ping_ms = 0;
    else if (s->drain_since_ms)
        s->goaway_wanted = true;
}

static void on_goaway(struct h2 *h, uint32_t code)
{
    (void)h;
    (void)code;
}

static const struct h2_events codec_events = {
    .on_stream = on_stream,
    .on_head = h2_link_on_head,
    .on_data = h2_link_on_data,
    .on_end = h2_link_on_end,
    .on_taken = h2_link_on_taken,
    .on_done = on_done,
    .on_abort = on_abort,
    .on_bad_head = on_bad_head,
    .on_settings = on_settings,
    .on_pong = on_pong,
    .on_goaway = on_goaway,
};

/* ---- what the transport tells ---- */

static void on_data(struct stream *t, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct h2_server *s = t->owner;
    h2_link_feed(&s->link, owner, data, len);
}

static void on_eof(struct stream *t)
{
    struct h2_server *s = t->owner;
    s->eof = true;
    h2_link_wake(&s->link);
}

static void on_drain(struct stream *t)
{
    struct h2_server *s = t->owner;
    h2_link_drained(&s->link);
}

static void on_fail(struct stream *t, enum err why)
{
    struct h2_server *s = t->owner;
    struct stream_info info;
    stream_info(t, &info);
    http_server_finish(&s->base, why, false, why, info.fail_detail);
}

static const struct stream_events transport_events = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_bare_eof = on_eof, /* frames say where everything ends */
    .on_drain = on_drain,
    .on_fail = on_fail,
};

static void destroy(struct http_server *base)
{
    struct h2_server *s = container_of(base, struct h2_server, base);
    timer_stop(&s->timer);
    h2_link_dispose(&s->link);
    mem_free(s);
}

static const struct http_server_ops ops = {.drain = begin_drain, .destroy = destroy};

struct http_server *http_server_h2_create(struct stream *transport,
                                          const struct http_server_config *config,
                                          const struct http_server_events *events, void *owner,
                                          struct buf *early)
{
    struct h2_server *s = mem_zalloc(sizeof(*s));
    struct h2_config codec = {
        .server = true,
        .max_header_bytes = config->max_header_bytes,
        .max_header_count = config->max_header_count,
        .max_target_bytes = config->max_target_bytes,
        .max_streams = config->max_streams,
        .stream_window = config->stream_window,
        .connection_window = config->connection_window,
        .max_resets = config->max_resets,
    };
    http_server_init(&s->base, &ops, transport, config, events, owner);
    timer_init(&s->timer, s->base.loop, on_timer);
    s->link.over = &s->base.over;
    s->link.active = &s->base.active;
    s->link.after_flush = after_flush;
    h2_link_init(&s->link, transport, &codec, &codec_events);
    if (early)
        buf_move_all(&s->link.early, early);
    stream_use(transport, &transport_events, s);
    stream_read_start(transport);
    note_activity(s);
    return &s->base;
}
