/* The life of a TCP connection: creation, facts about it, and how failures reach the user. Owned
 * by one loop, on its thread. Must not know what is carried.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/tcp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/tcp_priv.h"
#include "lib/io/loop_priv.h"

static void info(struct stream *s, struct stream_info *out);
static void close_reset(struct stream *s);

const struct stream_ops tcp_ops = {
    .read_start = tcp_read_start,
    .read_stop = tcp_read_stop,
    .write = tcp_write_take,
    .shutdown = tcp_write_shutdown,
    .close = tcp_close_stream,
    .close_reset = close_reset,
    .info = info,
};

/* The end of the turn: events that were found out from inside a call of the user. */
static void on_turn_end(struct loop_task *task)
{
    struct tcp *t = container_of(task, struct tcp, task);
    if (t->state == TCP_FAILING) {
        tcp_read_rest(t);
        if (t->state == TCP_FAILING)
            tcp_fail(t, t->why, t->detail);
    } else if (t->eof_due && t->want_read && t->state == TCP_OPEN) {
        t->eof_due = false;
        t->stream.events->on_eof(&t->stream);
    }
}

struct tcp *tcp_create(struct loop *l)
{
    struct tcp *t = mem_zalloc(sizeof(*t));
    t->stream.ops = &tcp_ops;
    t->stream.loop = l;
    t->state = TCP_DIALING;
    list_init(&t->node);
    buf_init(&t->waiting);
    buf_init(&t->sending);
    timer_init(&t->timer, l, NULL);
    loop_task_init(&t->task, on_turn_end);
    uv_tcp_init(&l->uv, &t->handle);
    return t;
}

struct stream *tcp_accept(struct loop *l, int fd, const struct addr *peer)
{
    struct tcp *t = tcp_create(l);
    t->state = TCP_OPEN;
    if (peer)
        t->peer = *peer;
    if (uv_tcp_open(&t->handle, fd) < 0) {
        close(fd);
        tcp_close_now(t);
        return NULL;
    }
    tcp_alive_begin(t, &(struct tcp_keepalive){0});
    return &t->stream;
}

int tcp_fd(const struct tcp *t)
{
    uv_os_fd_t fd;
    return uv_fileno((const uv_handle_t *)&t->handle, &fd) < 0 ? -1 : fd;
}

void tcp_fail(struct tcp *t, enum err why, const char *detail)
{
    if (t->state >= TCP_FAILED)
        return;
    if (t->lingers) {
        tcp_close_now(t);
        return;
    }
    t->state = TCP_FAILED;
    t->detail = detail;
    timer_stop(&t->timer);
    loop_task_cancel(&t->task);
    uv_read_stop((uv_stream_t *)&t->handle);
    t->is_reading = false;
    buf_dispose(&t->waiting);
    t->stream.queued = 0;
    t->stream.events->on_fail(&t->stream, why);
}

void tcp_fail_later(struct tcp *t, enum err why, const char *detail)
{
    if (t->state >= TCP_FAILING)
        return;
    if (t->lingers) {
        tcp_close_now(t);
        return;
    }
    t->state = TCP_FAILING;
    t->why = why;
    t->detail = detail;
    buf_dispose(&t->waiting);
    t->stream.queued = 0;
    loop_flush_later(t->stream.loop, &t->task);
}

static void ask_addr(const struct tcp *t, bool peer, struct addr *out)
{
    struct sockaddr_storage ss;
    int len = sizeof(ss);
    int status = peer ? uv_tcp_getpeername(&t->handle, (struct sockaddr *)&ss, &len)
                      : uv_tcp_getsockname(&t->handle, (struct sockaddr *)&ss, &len);
    if (status < 0 || addr_from_sockaddr((struct sockaddr *)&ss, out) != ERR_OK)
        *out = (struct addr){0};
}

static void info(struct stream *s, struct stream_info *out)
{
    struct tcp *t = tcp_of(s);
    if (t->peer.family == 0)
        ask_addr(t, true, &t->peer);
    if (t->local.family == 0)
        ask_addr(t, false, &t->local);
    *out = (struct stream_info){
        .peer = t->peer,
        .local = t->local,
        .fail_detail = t->state >= TCP_FAILED ? t->detail : NULL,
    };
}

bool tcp_is_stale(struct stream *s)
{
    if (s->ops != &tcp_ops)
        return false;
    struct tcp *t = tcp_of(s);
    if (t->state != TCP_OPEN || t->eof)
        return true;
    char byte;
    ssize_t n;
    do {
        n = recv(tcp_fd(t), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static void close_reset(struct stream *s)
{
    tcp_close_abruptly(tcp_of(s));
    tcp_close_stream(s, false);
}
