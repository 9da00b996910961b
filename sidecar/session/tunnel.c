/* Two streams tied together, byte for byte. Dials with another endpoint when the first does not
 * answer; nothing is taken from the client beyond a bound until the way is open. Worker thread;
 * knows nothing of HTTP.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/session/tunnel.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/proxy/proxy_header.h"
#include "lib/io/tcp.h"
#include "lib/io/timer.h"
#include "sidecar/telemetry/report.h"
#include "sidecar/upstream/balancer.h"
#include "sidecar/upstream/dialer.h"
#include "sidecar/upstream/outlier.h"

#define HIGH_WATER (256u * 1024)
#define PENDING_MAX (64u * 1024)
#define TRIES_MAX 3
#define HALF_OPEN_MS 3600000 /* without a byte, when one side has ended and the other does not */

struct tunnel {
    struct session *session;
    struct cluster *cluster;
    struct endpoint *endpoint;
    struct endpoint *tried[BALANCER_TRIED_MAX];
    unsigned tries;
    struct stream *down, *up;
    struct buf pending;  /* for up, until it is open */
    struct buf answered; /* from up, while this is a probe */
    bool is_probe, is_open, is_closed, down_eof, up_eof;
    bool has_connection; /* it counts in the cluster's usage, for all tries */
    uint64_t sent, received;
    uint64_t moved_ms; /* when anything last did */
    uint64_t opened_ms;
    enum fail fail;
    struct timer quiet; /* ends it when nothing moves for too long, or it was open for too long */
    struct loop_task grave;
};

static void destroy_buried(struct loop_task *task)
{
    struct tunnel *t = container_of(task, struct tunnel, grave);
    buf_dispose(&t->pending);
    buf_dispose(&t->answered);
    mem_free(t);
}

/* Not regular: it must not look like the end of the data. */
static void end(struct tunnel *t, bool regular)
{
    if (t->is_closed)
        return;
    t->is_closed = true;
    timer_stop(&t->quiet);
    if (t->up)
        (regular ? stream_close_flushed : stream_close_reset)(t->up);
    if (t->down)
        (regular ? stream_close_flushed : stream_close_reset)(t->down);
    t->up = t->down = NULL;
    report_tunnel_closed(t->session, t->cluster, t->endpoint, t->sent, t->received, t->fail);
    if (t->endpoint)
        endpoint_release(t->endpoint);
    t->cluster->active--;
    if (t->has_connection)
        cluster_give_back_connection(t->cluster);
    loop_bury(t->session->worker->loop, &t->grave);
    if (!t->is_probe)
        session_tunnel_ended(t->session);
}

void tunnel_close(struct tunnel *t)
{
    end(t, false);
}

/* How long nothing may move; 0: for ever. What the policy says the caller's side keeps. */
static uint32_t quiet_limit_ms(const struct tunnel *t)
{
    const struct timeouts_conf *policy = &t->cluster->conf->timeouts;
    if (t->session->is_mesh)
        return 0;
    if (policy->idle_said)
        return policy->idle_ms;
    return t->down_eof || t->up_eof ? HALF_OPEN_MS : 0;
}

/* For how long it may be open, whatever moves; 0: for ever. */
static uint32_t open_limit_ms(const struct tunnel *t)
{
    return t->session->is_mesh ? 0 : t->cluster->conf->timeouts.tunnel_ms;
}

/* When it ends by time; UINT64_MAX: never. */
static uint64_t end_ms(const struct tunnel *t)
{
    uint32_t quiet_ms = quiet_limit_ms(t), open_ms = open_limit_ms(t);
    uint64_t quiet = quiet_ms ? t->moved_ms + quiet_ms : UINT64_MAX;
    uint64_t open = open_ms ? t->opened_ms + open_ms : UINT64_MAX;
    return quiet < open ? quiet : open;
}

/* Whatever has just happened. */
static void watch_quiet(struct tunnel *t)
{
    uint64_t now_ms = loop_now_ms(t->session->worker->loop), due_ms;
    t->moved_ms = now_ms;
    due_ms = end_ms(t);
    if (due_ms != UINT64_MAX && !(timer_is_running(&t->quiet) && t->quiet.due_ms <= due_ms))
        timer_start(&t->quiet, due_ms > now_ms ? due_ms - now_ms : 0);
}

static void on_quiet(struct timer *timer)
{
    struct tunnel *t = container_of(timer, struct tunnel, quiet);
    uint64_t due_ms = end_ms(t), now_ms = loop_now_ms(timer->loop);
    uint32_t open_ms = open_limit_ms(t);
    if (due_ms > now_ms) {
        if (due_ms != UINT64_MAX)
            timer_start(timer, due_ms - now_ms);
        return;
    }
    t->fail = open_ms && now_ms - t->opened_ms >= open_ms ? FAIL_TUNNEL_TIMEOUT : FAIL_IDLE_TIMEOUT;
    end(t, false);
}

/* ---- bytes ---- */

static void pass(struct stream *to, struct stream *from, struct buf *data)
{
    stream_write(to, data);
    if (stream_queued(to) >= HIGH_WATER)
        stream_read_stop(from);
}

static void on_down_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct tunnel *t = s->owner;
    t->sent += len;
    t->moved_ms = loop_now_ms(s->loop);
    buf_append_shared(&t->pending, owner, data, len);
    if (t->is_open)
        pass(t->up, t->down, &t->pending);
    else if (t->pending.len >= PENDING_MAX)
        stream_read_stop(t->down);
}

static void on_up_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct tunnel *t = s->owner;
    t->received += len;
    t->moved_ms = loop_now_ms(s->loop);
    buf_append_shared(&t->answered, owner, data, len);
    if (!t->is_probe) {
        pass(t->down, t->up, &t->answered);
        return;
    }
    stream_read_stop(t->up);
    session_probe_spoke(t->session);
}

static void on_down_drain(struct stream *s)
{
    struct tunnel *t = s->owner;
    if (t->up && t->is_open)
        stream_read_start(t->up);
}

static void on_up_drain(struct stream *s)
{
    struct tunnel *t = s->owner;
    if (t->down)
        stream_read_start(t->down);
}

/* ---- ends ---- */

static void on_down_eof(struct stream *s)
{
    struct tunnel *t = s->owner;
    t->down_eof = true;
    watch_quiet(t);
    if (t->up_eof)
        end(t, true);
    else if (t->is_open)
        stream_shutdown(t->up);
}

static void on_up_eof(struct stream *s)
{
    struct tunnel *t = s->owner;
    t->up_eof = true;
    if (t->is_probe) {
        session_probe_failed(t->session);
        return;
    }
    watch_quiet(t);
    if (t->down_eof)
        end(t, true);
    else
        stream_shutdown(t->down);
}

static void on_down_fail(struct stream *s, enum err why)
{
    struct tunnel *t = s->owner;
    (void)why;
    t->fail = FAIL_DOWNSTREAM_GONE;
    end(t, false);
}

static enum fail dial(struct tunnel *t);

static void give_up(struct tunnel *t, enum fail why)
{
    t->fail = why;
    LOG_W("tunnel", "%.*s: %.*s", SLICE_ARG(t->cluster->conf->name),
          SLICE_ARG(fail_info(why)->text));
    if (t->is_probe)
        session_probe_failed(t->session);
    else
        end(t, false);
}

static void on_up_fail(struct stream *s, enum err why)
{
    struct tunnel *t = s->owner;
    if (t->is_open) {
        t->fail = FAIL_UPSTREAM_RESET;
        if (why == ERR_TIMEOUT) /* it has vanished */
            outlier_failure(t->endpoint, OUTLIER_TIMEOUT);
        if (t->is_probe)
            session_probe_failed(t->session);
        else
            end(t, false);
        return;
    }
    struct stream_info info = {0};
    stream_info(s, &info);
    if (info.fail_detail)
        LOG_W("tunnel", "%.*s: %s", SLICE_ARG(t->endpoint->conf->address_text), info.fail_detail);
    stream_close(t->up);
    t->up = NULL;
    outlier_failure(t->endpoint, outlier_kind_of(dialer_fail(why)));
    endpoint_release(t->endpoint);
    t->endpoint = NULL;
    enum fail fail = t->tries < TRIES_MAX ? dial(t) : dialer_fail(why);
    if (fail != FAIL_NONE)
        give_up(t, fail == balancer_why_none(t->cluster) ? dialer_fail(why) : fail);
}

/* The endpoint hears whose connection it is before its first byte. */
static void introduce(struct tunnel *t)
{
    const struct downstream_info *from = &t->session->info;
    uint8_t header[PROXY_HEADER_WRITE_MAX];
    struct buf out;
    if (!t->cluster->conf->proxy_version)
        return;
    buf_init(&out);
    buf_append(&out, header,
               proxy_header_write(t->cluster->conf->proxy_version, &from->peer,
                                  &from->original_dst, header));
    stream_write(t->up, &out);
}

static void on_up_open(struct stream *s)
{
    struct tunnel *t = s->owner;
    char why[TLS_DETAIL_MAX];
    t->is_open = true;
    /* The roots may have changed since the handshake began. */
    if (!tunnel_trusts(t, why)) {
        LOG_W("tunnel", "%.*s: %s", SLICE_ARG(t->endpoint->conf->address_text), why);
        give_up(t, FAIL_TLS_FAILED);
        return;
    }
    outlier_success(t->endpoint);
    introduce(t);
    if (t->pending.len)
        stream_write(t->up, &t->pending);
    if (t->down_eof)
        stream_shutdown(t->up);
    else if (t->down && stream_queued(t->up) < HIGH_WATER)
        stream_read_start(t->down);
    stream_read_start(t->up);
}

static const struct stream_events down_events = {.on_data = on_down_data,
                                                 .on_eof = on_down_eof,
                                                 .on_drain = on_down_drain,
                                                 .on_fail = on_down_fail};
static const struct stream_events up_events = {.on_open = on_up_open,
                                               .on_data = on_up_data,
                                               .on_eof = on_up_eof,
                                               .on_drain = on_up_drain,
                                               .on_fail = on_up_fail};

/* ---- making ---- */

static enum fail dial(struct tunnel *t)
{
    struct endpoint *e = balancer_pick(t->cluster, &t->session->info.peer, 0, t->tried, t->tries);
    if (!e)
        return balancer_why_none(t->cluster);
    for (unsigned i = 0; i < t->tries; i++)
        if (t->tried[i] == e)
            return balancer_why_none(t->cluster);
    if (!t->has_connection)
        t->has_connection =
            cluster_take_connection(t->cluster, t->cluster->conf->max_connections);
    if (!t->has_connection)
        return FAIL_OVERFLOW;
    enum fail why = FAIL_NONE;
    t->up = dialer_open(e, BACKEND_BYTES, &up_events, t, &why);
    if (!t->up)
        return why;
    t->tried[t->tries++] = e;
    t->endpoint = e;
    endpoint_hold(e);
    return FAIL_NONE;
}

static void take_downstream(struct tunnel *t)
{
    struct session *s = t->session;
    t->down = s->transport;
    s->transport = NULL;
    t->down_eof = s->has_eof;
    t->opened_ms = loop_now_ms(s->worker->loop);
    watch_quiet(t);
    t->sent += s->early.len;
    buf_move_all(&t->pending, &s->early);
    stream_use(t->down, &down_events, t);
}

struct tunnel *tunnel_open(struct session *s, struct cluster *cluster, bool probe)
{
    struct tunnel *t = mem_zalloc(sizeof(*t));
    t->session = s;
    t->cluster = cluster;
    t->is_probe = probe;
    loop_task_init(&t->grave, destroy_buried);
    timer_init(&t->quiet, s->worker->loop, on_quiet);
    cluster->active++;
    report_tunnel_opened(s, cluster);
    enum fail why = dial(t);
    if (!probe)
        take_downstream(t);
    if (why == FAIL_NONE) {
        if (t->down && !t->down_eof)
            stream_read_start(t->down);
        return t;
    }
    t->fail = why;
    LOG_W("tunnel", "%.*s: %.*s", SLICE_ARG(cluster->conf->name), SLICE_ARG(fail_info(why)->text));
    t->is_probe = true; /* the session hears of it by the return value */
    end(t, false);
    return NULL;
}

void tunnel_commit(struct tunnel *t)
{
    t->is_probe = false;
    take_downstream(t);
    if (t->is_open && t->pending.len)
        stream_write(t->up, &t->pending);
    if (t->answered.len)
        stream_write(t->down, &t->answered);
    if (t->is_open && t->down_eof)
        stream_shutdown(t->up);
    else if (!t->down_eof)
        stream_read_start(t->down);
    if (t->is_open)
        stream_read_start(t->up);
}

struct stream *tunnel_downstream(const struct tunnel *t)
{
    return t->down;
}

bool tunnel_trusts(const struct tunnel *t, char why[TLS_DETAIL_MAX])
{
    return !t->is_open || dialer_trusts(t->endpoint, BACKEND_BYTES, t->up, why);
}
