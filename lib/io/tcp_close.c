/* The end of a TCP connection: at once, or after what is queued was sent. A flushing close also
 * reads and drops what the peer still sends, because the kernel answers unread bytes with a reset,
 * which can overtake an error reply that was just written. A slow peer is waited for as long as it
 * takes something; what it never takes ends in a reset, never in an end that looks regular. On the
 * loop's thread. Must not know why it ends.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/tcp_priv.h"

enum {
    LINGER_MS = 2000, /* for the peer to close when it has everything; also how often we look */
    STALLED_MAX = 15, /* looks in a row at which the peer had taken nothing */
    LOOKS_MAX = 150,
};

static void on_closed(uv_handle_t *handle)
{
    struct tcp *t = container_of((uv_tcp_t *)handle, struct tcp, handle);
    buf_dispose(&t->waiting);
    buf_dispose(&t->sending);
    mem_free(t);
}

void tcp_close_now(struct tcp *t)
{
    if (t->state == TCP_CLOSED)
        return;
    t->state = TCP_CLOSED;
    timer_stop(&t->timer);
    tcp_alive_end(t);
    loop_task_cancel(&t->task);
    if (t->lingers)
        t->stream.loop->lingering--;
    uv_close((uv_handle_t *)&t->handle, on_closed);
}

void tcp_close_abruptly(struct tcp *t)
{
    struct linger abort_at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = tcp_fd(t);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_at_once, sizeof(abort_at_once));
}

/* What the peer has not taken yet, here and in the kernel. */
static size_t left_to_send(const struct tcp *t)
{
    int in_kernel = 0;
    if (ioctl(tcp_fd(t), SIOCOUTQ, &in_kernel) < 0)
        in_kernel = 0;
    return t->waiting.len + uv_stream_get_write_queue_size((const uv_stream_t *)&t->handle) +
           (size_t)in_kernel;
}

static bool may_linger_on(struct tcp *t)
{
    size_t left = left_to_send(t);
    t->stalled = left < t->left ? 0 : t->stalled + 1;
    t->left = left;
    return !t->stream.loop->draining && t->stalled < STALLED_MAX && ++t->looks < LOOKS_MAX;
}

static void on_linger_timeout(struct timer *timer)
{
    struct tcp *t = container_of(timer, struct tcp, timer);
    if (t->stream.queued == 0) {
        tcp_close_now(t);
    } else if (may_linger_on(t)) {
        timer_start(&t->timer, LINGER_MS);
    } else {
        tcp_close_abruptly(t);
        tcp_close_now(t);
    }
}

void tcp_close_sent(struct tcp *t)
{
    if (t->eof || (!t->shut_done && shutdown(tcp_fd(t), SHUT_WR) < 0))
        tcp_close_now(t);
    else
        t->shut_done = true;
}

static void linger(struct tcp *t)
{
    t->lingers = true;
    t->left = SIZE_MAX;
    t->stream.loop->lingering++;
    timer_stop(&t->timer);
    timer_init(&t->timer, t->stream.loop, on_linger_timeout);
    timer_start(&t->timer, LINGER_MS);
    t->want_read = true;
    tcp_read_begin(t);
    if (t->state == TCP_OPEN && t->stream.queued == 0)
        tcp_close_sent(t);
}

void tcp_close_stream(struct stream *s, bool flush_first)
{
    struct tcp *t = tcp_of(s);
    bool unsent = s->queued > 0;
    s->events = NULL;
    loop_task_cancel(&t->task);
    if (flush_first &&
        ((t->state == TCP_OPEN && (unsent || !t->eof)) || (t->state == TCP_DIALING && unsent)))
        linger(t);
    else
        tcp_close_now(t);
}
