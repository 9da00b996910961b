/* The receiving direction of a TCP connection. Bytes land in the loop's read chunk, so an idle
 * connection holds no buffer. Stopping only clears a flag; libuv learns of it when bytes do come,
 * so that stop and start within a turn cost no epoll_ctl. On the loop's thread. Must not know what
 * the bytes mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <sys/socket.h>

#include "lib/io/tcp_priv.h"
#include "lib/io/loop_priv.h"
#include "lib/io/uv_err.h"

enum {
    REST_READS_MAX = 64,
    LOOK_MS = 1000, /* between two looks at a connection whose peer has closed its direction */
};

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct tcp *t = container_of((uv_tcp_t *)handle, struct tcp, handle);
    size_t room = 0;
    char *to = NULL;
    if (t->want_read && t->state == TCP_OPEN)
        to = (char *)loop_read_room(t->stream.loop, &room);
    *buf = uv_buf_init(to, (unsigned)room);
}

static void deliver(struct tcp *t, const uint8_t *data, size_t len)
{
    t->owes_ack = false; /* whoever speaks is there */
    if (t->lingers)
        return;
    struct chunk *c = loop_read_commit(t->stream.loop, data, len);
    t->stream.events->on_data(&t->stream, c, data, len);
    chunk_unref(c);
}

/* libuv takes a connection that hangs up right after a read for one that ended well; but a reset
 * hangs up too, and leaves its error with the socket. A body that has no other end would pass for
 * whole. */
static int pending_error(const struct tcp *t)
{
    int code = 0;
    socklen_t len = sizeof(code);
    return getsockopt(tcp_fd(t), SOL_SOCKET, SO_ERROR, &code, &len) < 0 ? errno : code;
}

/* libuv reads a stream no more that has ended, and so would not notice that the peer resets it, or
 * that keepalive gives it up. */
static void on_look(struct timer *timer)
{
    struct tcp *t = container_of(timer, struct tcp, timer);
    int code = pending_error(t);
    if (code)
        tcp_fail(t, err_from_errno(code), uv_err_text(-code));
    else
        timer_start(timer, LOOK_MS);
}

static void deliver_eof(struct tcp *t)
{
    t->eof = true;
    t->is_reading = false;
    if (t->lingers) {
        if (t->stream.queued == 0)
            tcp_close_now(t);
        return;
    }
    timer_stop(&t->timer);
    timer_init(&t->timer, t->stream.loop, on_look);
    timer_start(&t->timer, LOOK_MS);
    if (t->want_read) {
        t->stream.events->on_eof(&t->stream);
    } else {
        t->eof_due = true;
    }
}

static void end(struct tcp *t)
{
    int code = pending_error(t);
    if (code)
        tcp_fail(t, err_from_errno(code), uv_err_text(-code));
    else
        deliver_eof(t);
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
    struct tcp *t = container_of((uv_tcp_t *)handle, struct tcp, handle);
    if (n > 0) {
        deliver(t, (const uint8_t *)buf->base, (size_t)n);
    } else if (n == UV_ENOBUFS && buf->len == 0) {
        /* on_alloc gave none: the user had stopped reading. */
        uv_read_stop(handle);
        t->is_reading = false;
    } else if (n == UV_EOF) {
        end(t);
    } else if (n < 0 && t->state == TCP_OPEN) {
        tcp_fail(t, err_from_uv((int)n), uv_err_text((int)n));
    }
}

void tcp_read_begin(struct tcp *t)
{
    if (!t->want_read || t->is_reading || t->eof || t->state != TCP_OPEN)
        return;
    int status = uv_read_start((uv_stream_t *)&t->handle, on_alloc, on_read);
    if (status < 0)
        tcp_fail_later(t, err_from_uv(status), uv_err_text(status));
    else
        t->is_reading = true;
}

void tcp_read_start(struct stream *s)
{
    struct tcp *t = tcp_of(s);
    if (t->want_read)
        return;
    t->want_read = true;
    if (t->eof_due)
        loop_flush_later(s->loop, &t->task);
    else
        tcp_read_begin(t);
}

void tcp_read_stop(struct stream *s)
{
    tcp_of(s)->want_read = false;
}

void tcp_read_rest(struct tcp *t)
{
    int fd = tcp_fd(t);
    for (int i = 0; i < REST_READS_MAX; i++) {
        if (t->state != TCP_FAILING || !t->want_read || t->eof || fd < 0)
            return;
        size_t room;
        uint8_t *to = loop_read_room(t->stream.loop, &room);
        ssize_t n = recv(fd, to, room, MSG_DONTWAIT);
        if (n > 0)
            deliver(t, to, (size_t)n);
        else if (n == 0 || errno != EINTR)
            return;
    }
}
