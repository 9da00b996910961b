/* Outgoing TCP connections: a socket with its options, a connect that does not block, a time
 * limit. On the loop's thread. Must not know names, pools or why it is called.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/io/tcp_priv.h"
#include "lib/io/uv_err.h"

enum { TIMEOUT_DEFAULT_MS = 2000 };

static const struct tcp_dial_options no_options;

static void on_timeout(struct timer *timer)
{
    struct tcp *t = container_of(timer, struct tcp, timer);
    tcp_fail(t, ERR_TIMEOUT, "no answer to the connect within the time limit");
}

static void on_connect(uv_connect_t *req, int status)
{
    struct tcp *t = container_of(req, struct tcp, req.connect);
    if (t->state != TCP_DIALING)
        return;
    if (status < 0) {
        tcp_fail(t, err_from_uv(status), uv_err_text(status));
        return;
    }
    bool had_queue = t->stream.queued > 0;
    t->state = TCP_OPEN;
    if (!t->lingers)
        timer_stop(&t->timer);
    tcp_read_begin(t);
    tcp_write_flush(t);
    if (!t->lingers && t->state == TCP_OPEN && t->stream.events->on_open)
        t->stream.events->on_open(&t->stream);
    if (t->state == TCP_OPEN && t->stream.queued == 0 && (had_queue || t->shut_asked || t->lingers))
        tcp_write_drained(t, had_queue);
}

/* Before libuv sees the socket, because the mark and the source decide the route of the first
 * packet. */
static const char *prepare(int fd, const struct addr *to, const struct tcp_dial_options *options)
{
    int on = 1;
    struct sockaddr_storage ss;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    tcp_alive_set(fd, &options->keepalive);
    if (options->mark &&
        setsockopt(fd, SOL_SOCKET, SO_MARK, &options->mark, sizeof(options->mark)) < 0)
        return "cannot set SO_MARK (needs CAP_NET_ADMIN)";
    if (options->bind.family == 0)
        return NULL;
    if (options->bind.family != to->family) {
        errno = EINVAL;
        return "the address to bind to is of another family";
    }
    /* Else every bound socket takes a port of its own, whatever its destination. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    socklen_t len = addr_to_sockaddr(&options->bind, &ss);
    return bind(fd, (struct sockaddr *)&ss, len) < 0 ? "cannot bind to the source address" : NULL;
}

static void begin(struct tcp *t, const struct addr *to, const struct tcp_dial_options *options)
{
    if (to->family == 0) {
        tcp_fail_later(t, ERR_INVALID, "there is no address to connect to");
        return;
    }
    int family = to->family == 6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        tcp_fail_later(t, err_from_errno(errno), "cannot make a socket");
        return;
    }
    const char *problem = prepare(fd, to, options);
    if (problem) {
        enum err why = err_from_errno(errno);
        close(fd);
        tcp_fail_later(t, why, problem);
        return;
    }
    int status = uv_tcp_open(&t->handle, fd);
    if (status < 0)
        close(fd);
    struct sockaddr_storage ss;
    addr_to_sockaddr(to, &ss);
    if (status == 0)
        status = uv_tcp_connect(&t->req.connect, &t->handle, (struct sockaddr *)&ss, on_connect);
    if (status < 0)
        tcp_fail_later(t, err_from_uv(status), uv_err_text(status));
}

struct stream *tcp_dial(struct loop *l, const struct addr *to,
                        const struct tcp_dial_options *options, const struct stream_events *events,
                        void *owner)
{
    if (!options)
        options = &no_options;
    struct tcp *t = tcp_create(l);
    stream_use(&t->stream, events, owner);
    t->peer = *to;
    timer_init(&t->timer, l, on_timeout);
    timer_start(&t->timer, options->timeout_ms ? options->timeout_ms : TIMEOUT_DEFAULT_MS);
    tcp_alive_begin(t, &options->keepalive);
    begin(t, to, options);
    return &t->stream;
}
