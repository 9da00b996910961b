/* A listening TCP socket. Made by hand (libuv 1.44 knows no SO_REUSEPORT) and watched by a
 * uv_poll, so that this file decides how many connections are taken per turn and what happens when
 * the process has no descriptor left: it pauses, because a ready socket that cannot be served
 * would spin the loop. Owned by one loop, on its thread. Must not know what is spoken on the
 * connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/tcp_priv.h"
#include "lib/io/uv_err.h"

enum {
    BACKLOG_DEFAULT = 4096,
    ACCEPTS_PER_TURN = 64,
    PAUSE_MS = 100,
};

struct listener {
    uv_poll_t poll;
    struct loop *loop;
    int fd;
    listener_accept_fn on_accept;
    void *owner;
    struct addr at;
    struct timer pause;
    bool warned; /* since the last connection that was accepted */
    bool closed;
};

static void on_ready(uv_poll_t *poll, int status, int events);

static void on_pause_over(struct timer *timer)
{
    struct listener *l = container_of(timer, struct listener, pause);
    uv_poll_start(&l->poll, UV_READABLE, on_ready);
}

static void pause_accepting(struct listener *l, int code)
{
    if (!l->warned) {
        char text[ADDR_TEXT_MAX];
        LOG_W("listener", "%s: cannot accept: %s; trying again every %d ms%s",
              addr_format(&l->at, text), uv_err_text(-code), PAUSE_MS,
              code == EMFILE ? " (raise the limit of open files: ulimit -n)" : "");
        l->warned = true;
    }
    uv_poll_stop(&l->poll);
    timer_start(&l->pause, PAUSE_MS);
}

/* accept(2): what goes wrong with one connection while it waits is reported as accept's own error.
 */
static bool concerns_one_connection(int code)
{
    switch (code) {
    case ECONNABORTED:
    case EINTR:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}

/* False when there is nothing more to take now. */
static bool accept_one(struct listener *l)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    int fd = accept4(l->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int code = errno;
        if (concerns_one_connection(code))
            return true;
        if (code != EAGAIN && code != EWOULDBLOCK)
            pause_accepting(l, code);
        return false;
    }
    l->warned = false;
    struct addr peer;
    bool known = addr_from_sockaddr((struct sockaddr *)&ss, &peer) == ERR_OK;
    struct stream *s = tcp_accept(l->loop, fd, known ? &peer : NULL);
    if (s)
        l->on_accept(l, s);
    return !l->closed;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct listener *l = container_of(poll, struct listener, poll);
    (void)events;
    if (status < 0) {
        pause_accepting(l, -status);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(l); i++) {
    }
}

static bool set_on(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

static bool set_options(int fd, const struct addr *at, const struct listener_options *o)
{
    int v6_only = o->ipv6_only;
    if (!set_on(fd, SOL_SOCKET, SO_REUSEADDR))
        return false;
    if (o->reuse_port && !set_on(fd, SOL_SOCKET, SO_REUSEPORT))
        return false;
    if (at->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) < 0)
        return false;
    if (o->transparent && !(at->family == 6 ? set_on(fd, IPPROTO_IPV6, IPV6_TRANSPARENT)
                                            : set_on(fd, IPPROTO_IP, IP_TRANSPARENT)))
        return false;
    /* Linux hands these on to the accepted sockets: once instead of for each connection. */
    tcp_alive_set(fd, &(struct tcp_keepalive){0});
    return set_on(fd, IPPROTO_TCP, TCP_NODELAY);
}

static enum err open_socket(const struct addr *at, const struct listener_options *o, int *out)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(at, &ss);
    int family = at->family == 6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    if (!set_options(fd, at, o) || bind(fd, (struct sockaddr *)&ss, len) < 0 ||
        listen(fd, o->backlog > 0 ? o->backlog : BACKLOG_DEFAULT) < 0) {
        enum err why = err_from_errno(errno);
        close(fd);
        return why;
    }
    *out = fd;
    return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    mem_free(container_of((uv_poll_t *)handle, struct listener, poll));
}

static void learn_addr(struct listener *l, const struct addr *asked)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    if (getsockname(l->fd, (struct sockaddr *)&ss, &len) < 0 ||
        addr_from_sockaddr((struct sockaddr *)&ss, &l->at) != ERR_OK)
        l->at = *asked;
}

enum err listener_open(struct loop *l, const struct addr *at,
                       const struct listener_options *options, listener_accept_fn on_accept,
                       void *owner, struct listener **out)
{
    static const struct listener_options none;
    int fd = -1;
    enum err err = open_socket(at, options ? options : &none, &fd);
    if (err != ERR_OK)
        return err;
    struct listener *made = mem_zalloc(sizeof(*made));
    made->loop = l;
    made->fd = fd;
    made->on_accept = on_accept;
    made->owner = owner;
    timer_init(&made->pause, l, on_pause_over);
    learn_addr(made, at);
    int status = uv_poll_init(&l->uv, &made->poll, fd);
    if (status < 0) {
        close(fd);
        mem_free(made);
        return err_from_uv(status);
    }
    uv_poll_start(&made->poll, UV_READABLE, on_ready);
    *out = made;
    return ERR_OK;
}

void *listener_owner(const struct listener *l)
{
    return l->owner;
}

void listener_addr(const struct listener *l, struct addr *out)
{
    *out = l->at;
}

void listener_close(struct listener *l)
{
    if (l->closed)
        return;
    l->closed = true;
    timer_stop(&l->pause);
    uv_close((uv_handle_t *)&l->poll, on_closed);
    close(l->fd);
}
