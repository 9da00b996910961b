/* The sending direction of a TCP connection: offer everything to the kernel at once, queue only
 * what it would not take, never more than one libuv write in flight. On the loop's thread. Must
 * not know what the bytes mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <sys/socket.h>

#include "lib/io/tcp_priv.h"
#include "lib/io/uv_err.h"

enum { VECTORS_MAX = 64 };

/* libuv promises on Unix that a uv_buf_t may be cast to a struct iovec. */
union vectors {
    struct iovec iov[VECTORS_MAX];
    uv_buf_t uv[VECTORS_MAX];
};

_Static_assert(sizeof(struct iovec) == sizeof(uv_buf_t) &&
                   offsetof(struct iovec, iov_base) == offsetof(uv_buf_t, base) &&
                   offsetof(struct iovec, iov_len) == offsetof(uv_buf_t, len),
               "uv_buf_t must be a struct iovec");

static unsigned gather(const struct buf *from, union vectors *v, size_t *total)
{
    size_t n = buf_peek(from, v->iov, VECTORS_MAX);
    *total = 0;
    for (size_t i = 0; i < n; i++)
        *total += v->iov[i].iov_len;
    return (unsigned)n;
}

static void on_written(uv_write_t *req, int status)
{
    struct tcp *t = container_of(req, struct tcp, req.write);
    buf_dispose(&t->sending);
    if (t->state != TCP_OPEN)
        return;
    if (status < 0)
        tcp_fail_later(t, err_from_uv(status), uv_err_text(status));
    else
        tcp_write_flush(t);
    if (t->state == TCP_OPEN && t->stream.queued == 0)
        tcp_write_drained(t, true);
}

static void hand_over(struct tcp *t)
{
    union vectors v;
    size_t total;
    unsigned n = gather(&t->waiting, &v, &total);
    buf_move(&t->sending, &t->waiting, total);
    t->owes_ack = true;
    int status = uv_write(&t->req.write, (uv_stream_t *)&t->handle, v.uv, n, on_written);
    if (status < 0) {
        buf_dispose(&t->sending);
        tcp_fail_later(t, err_from_uv(status), uv_err_text(status));
    }
}

/* What the kernel takes at once; false when it would not take all. */
static bool offer(struct tcp *t)
{
    while (!buf_is_empty(&t->waiting)) {
        union vectors v;
        size_t total;
        unsigned n = gather(&t->waiting, &v, &total);
        int taken = uv_try_write((uv_stream_t *)&t->handle, v.uv, n);
        if (taken < 0 && taken != UV_EAGAIN) {
            tcp_fail_later(t, err_from_uv(taken), uv_err_text(taken));
            return true;
        }
        t->owes_ack = true;
        if (taken > 0)
            buf_drain(&t->waiting, (size_t)taken);
        if (taken < 0 || (size_t)taken < total)
            return false;
    }
    return true;
}

void tcp_write_flush(struct tcp *t)
{
    if (!offer(t))
        hand_over(t);
    t->stream.queued = t->waiting.len + t->sending.len;
}

void tcp_write_take(struct stream *s, struct buf *data)
{
    struct tcp *t = tcp_of(s);
    if (t->state > TCP_OPEN || t->shut_asked) {
        buf_dispose(data);
        return;
    }
    buf_move_all(&t->waiting, data);
    if (t->state == TCP_OPEN && buf_is_empty(&t->sending))
        tcp_write_flush(t);
    else
        s->queued = t->waiting.len + t->sending.len;
}

static void shut(struct tcp *t)
{
    t->shut_done = true;
    if (shutdown(tcp_fd(t), SHUT_WR) < 0)
        tcp_fail_later(t, err_from_errno(errno), "shutdown: the connection is gone");
}

void tcp_write_shutdown(struct stream *s)
{
    struct tcp *t = tcp_of(s);
    if (t->state > TCP_OPEN || t->shut_asked)
        return;
    t->shut_asked = true;
    if (t->state == TCP_OPEN && s->queued == 0)
        shut(t);
}

void tcp_write_drained(struct tcp *t, bool tell)
{
    if (t->lingers) {
        tcp_close_sent(t);
        return;
    }
    if (t->shut_asked && !t->shut_done)
        shut(t);
    if (tell && t->stream.events->on_drain)
        t->stream.events->on_drain(&t->stream);
}
