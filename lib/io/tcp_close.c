/* The end of a TCP connection: at once, or after what is queued was sent. A flushing close also
 * reads and drops what the peer still sends, because the kernel answers unread bytes with a reset,
 * which can overtake an error reply that was just written. All of it within two seconds. On the
 * loop's thread. Must not know why it ends.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/socket.h>

#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/tcp_priv.h"

enum { LINGER_MS = 2000 };

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
    loop_task_cancel(&t->task);
    if (t->lingers)
        t->stream.loop->lingering--;
    uv_close((uv_handle_t *)&t->handle, on_closed);
}

static void on_linger_timeout(struct timer *timer)
{
    tcp_close_now(container_of(timer, struct tcp, timer));
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
