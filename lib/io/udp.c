/* UDP sockets by recvmmsg and sendmmsg. Made by hand and watched by a uv_poll, like listeners:
 * libuv knows no SO_REUSEPORT here, copies what it queues, and does not say at which of our
 * addresses a datagram arrived, which the answer has to come from. Owned by one
 * loop, on its thread. Must not know what is in datagrams.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/uv_err.h"

enum {
    ROUNDS = 4,                   /* batches that one socket may take of a turn */
    RECEIVE_BUFFER = 1024 * 1024, /* of the kernel, as far as net.core.rmem_max allows */
    CONTROL_MAX = CMSG_SPACE(sizeof(struct in6_pktinfo)),
};

struct udp {
    uv_poll_t poll;
    struct loop *loop;
    int fd;
    const struct udp_events *events;
    void *owner;
    struct addr at;
    bool is_v6;        /* the socket's family */
    bool is_any;       /* bound to all addresses: each datagram says to which it came */
    bool is_connected;
    bool closed;
};

/* What a socket reads into during its callback; all sockets of a loop share it. */
struct udp_room {
    unsigned users;
    struct mmsghdr heads[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    struct sockaddr_storage names[UDP_BATCH];
    _Alignas(struct cmsghdr) uint8_t controls[UDP_BATCH][CONTROL_MAX];
    struct udp_datagram datagrams[UDP_BATCH];
    uint8_t *bytes; /* pages: what no datagram was long enough for costs nothing */
};

static void enter_room(struct loop *l)
{
    struct udp_room *r = l->udp;
    if (!r) {
        r = l->udp = mem_zalloc(sizeof(*r));
        r->bytes = mem_pages_take((size_t)UDP_BATCH * UDP_DATAGRAM_MAX);
    }
    r->users++;
}

static void leave_room(struct loop *l)
{
    struct udp_room *r = l->udp;
    if (--r->users)
        return;
    mem_pages_give(r->bytes, (size_t)UDP_BATCH * UDP_DATAGRAM_MAX);
    mem_free(r);
    l->udp = NULL;
}

/* ---- addresses ---- */

/* For a socket of both families an IPv4 address is a mapped one. */
static socklen_t name_of(const struct udp *u, const struct addr *a, struct sockaddr_storage *out)
{
    if (!u->is_v6 || a->family == 6)
        return addr_to_sockaddr(a, out);
    struct sockaddr_in6 *to = (struct sockaddr_in6 *)out;
    *to = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    to->sin6_addr.s6_addr[10] = to->sin6_addr.s6_addr[11] = 0xff;
    memcpy(to->sin6_addr.s6_addr + 12, a->ip, 4);
    return sizeof(*to);
}

/* False: it says something else. */
static bool read_info(struct cmsghdr *c, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){0};
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof(info));
        *(struct sockaddr_in *)out =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = info.ipi_spec_dst};
        return true;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof(info));
        *(struct sockaddr_in6 *)out =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = info.ipi6_addr};
        return true;
    }
    return false;
}

/* The address that the datagram was sent to. */
static void read_local(struct msghdr *h, struct addr *out)
{
    struct sockaddr_storage name;
    *out = (struct addr){0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
        if (read_info(c, &name) && addr_from_sockaddr((struct sockaddr *)&name, out) != ERR_OK)
            *out = (struct addr){0};
}

/* The same for one that leaves. */
static void write_local(const struct udp *u, const struct addr *local, struct msghdr *h,
                        uint8_t control[CONTROL_MAX])
{
    struct sockaddr_storage name;
    if (!local->family || !u->is_any)
        return;
    name_of(u, local, &name);
    h->msg_control = control;
    h->msg_controllen = u->is_v6 ? CMSG_SPACE(sizeof(struct in6_pktinfo))
                                 : CMSG_SPACE(sizeof(struct in_pktinfo));
    memset(control, 0, h->msg_controllen);
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    if (u->is_v6) {
        struct in6_pktinfo info = {.ipi6_addr = ((struct sockaddr_in6 *)&name)->sin6_addr};
        *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
    } else {
        struct in_pktinfo info = {.ipi_spec_dst = ((struct sockaddr_in *)&name)->sin_addr};
        *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
    }
}

/* ---- receiving ---- */

static int read_batch(const struct udp *u, struct udp_room *r)
{
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        r->parts[i] =
            (struct iovec){r->bytes + (size_t)i * UDP_DATAGRAM_MAX, UDP_DATAGRAM_MAX};
        r->heads[i].msg_hdr = (struct msghdr){
            .msg_name = u->is_connected ? NULL : &r->names[i],
            .msg_namelen = u->is_connected ? 0 : sizeof(r->names[i]),
            .msg_iov = &r->parts[i],
            .msg_iovlen = 1,
            .msg_control = u->is_any ? r->controls[i] : NULL,
            .msg_controllen = u->is_any ? CONTROL_MAX : 0,
        };
    }
    return recvmmsg(u->fd, r->heads, UDP_BATCH, MSG_DONTWAIT, NULL);
}

/* What has an address that we cannot hold is left out. */
static size_t describe(const struct udp *u, struct udp_room *r, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct udp_datagram *d = &r->datagrams[kept];
        *d = (struct udp_datagram){.data = r->parts[i].iov_base, .len = r->heads[i].msg_len};
        if (!u->is_connected &&
            addr_from_sockaddr((struct sockaddr *)&r->names[i], &d->peer) != ERR_OK)
            continue;
        if (u->is_any)
            read_local(&r->heads[i].msg_hdr, &d->local);
        kept++;
    }
    return kept;
}

static void receive(struct udp *u)
{
    struct udp_room *r = u->loop->udp;
    for (int round = 0; round < ROUNDS && !u->closed; round++) {
        int count = read_batch(u, r);
        if (count < 0) {
            int code = errno;
            if (code != EAGAIN && code != EINTR && u->events->on_fail)
                u->events->on_fail(u, err_from_errno(code));
            return;
        }
        size_t kept = describe(u, r, (size_t)count);
        if (kept)
            u->events->on_datagrams(u, r->datagrams, kept);
        if ((unsigned)count < UDP_BATCH)
            return;
    }
}

/* libuv ends the watching when there is an error on the socket, which is what a refused datagram
 * is; reading takes it away. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct udp *u = container_of(poll, struct udp, poll);
    (void)events;
    receive(u);
    if (status < 0 && !u->closed)
        uv_poll_start(&u->poll, UV_READABLE, on_ready);
}

/* ---- sending ---- */

struct outgoing {
    struct mmsghdr heads[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    struct sockaddr_storage names[UDP_BATCH];
    _Alignas(struct cmsghdr) uint8_t controls[UDP_BATCH][CONTROL_MAX];
};

static void prepare(const struct udp *u, struct outgoing *o, const struct udp_datagram *d,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct msghdr *h = &o->heads[i].msg_hdr;
        o->parts[i] = (struct iovec){(void *)(uintptr_t)d[i].data, d[i].len};
        *h = (struct msghdr){.msg_iov = &o->parts[i], .msg_iovlen = 1};
        if (u->is_connected)
            continue;
        h->msg_name = &o->names[i];
        h->msg_namelen = name_of(u, &d[i].peer, &o->names[i]);
        write_local(u, &d[i].local, h, o->controls[i]);
    }
}

/* Those from `at` on that can be sent are; the rest is lost. False: so is all that follows. */
static bool send_some(const struct udp *u, struct outgoing *o, size_t count, size_t *sent,
                      enum err *why)
{
    for (size_t at = 0; at < count;) {
        int done = sendmmsg(u->fd, o->heads + at, (unsigned)(count - at), MSG_DONTWAIT);
        if (done > 0) {
            at += (size_t)done;
            *sent += (size_t)done;
            continue;
        }
        int code = errno;
        if (code == EINTR)
            continue;
        bool was_told = *why == ERR_REFUSED;
        *why = code == ENOBUFS ? ERR_AGAIN : err_from_errno(code);
        if (*why == ERR_AGAIN)
            return false;
        /* That is news of an earlier one, which the call has taken away: once more. Else this one
         * cannot go there: it is too large for the way, there is no route, the port is 0. */
        at += *why != ERR_REFUSED || was_told;
    }
    return true;
}

size_t udp_send(struct udp *u, const struct udp_datagram *d, size_t count, enum err *why)
{
    struct outgoing o;
    size_t sent = 0;
    *why = ERR_OK;
    for (size_t at = 0, n; at < count; at += n) {
        n = count - at < UDP_BATCH ? count - at : UDP_BATCH;
        prepare(u, &o, d + at, n);
        if (!send_some(u, &o, n, &sent, why))
            break;
    }
    return sent;
}

/* ---- making ---- */

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool set_options(const struct udp *u, const struct udp_options *o)
{
    set(u->fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    if (o->reuse_port && !set(u->fd, SOL_SOCKET, SO_REUSEPORT, 1))
        return false;
    if (u->is_v6 && !set(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, o->ipv6_only))
        return false;
    if (!u->is_any)
        return true;
    return u->is_v6 ? set(u->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                    : set(u->fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static void on_closed(uv_handle_t *handle)
{
    struct udp *u = container_of((uv_poll_t *)handle, struct udp, poll);
    leave_room(u->loop);
    mem_free(u);
}

static void learn_addr(struct udp *u)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    if (getsockname(u->fd, (struct sockaddr *)&ss, &len) < 0 ||
        addr_from_sockaddr((struct sockaddr *)&ss, &u->at) != ERR_OK)
        u->at = (struct addr){0};
}

/* The socket is there, and not yet bound or connected. */
static enum err create(struct loop *l, const struct addr *at, const struct udp_events *events,
                       void *owner, struct udp **out)
{
    int family = at->family == 6 ? AF_INET6 : AF_INET;
    int fd = at->family ? socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return at->family ? err_from_errno(errno) : ERR_INVALID;
    struct udp *u = mem_zalloc(sizeof(*u));
    u->loop = l;
    u->fd = fd;
    u->events = events;
    u->owner = owner;
    u->is_v6 = at->family == 6;
    *out = u;
    return ERR_OK;
}

static enum err abandon(struct udp *u, enum err why)
{
    close(u->fd);
    mem_free(u);
    return why;
}

static enum err watch(struct udp *u, struct udp **out)
{
    int status = uv_poll_init(&u->loop->uv, &u->poll, u->fd);
    if (status < 0)
        return abandon(u, err_from_uv(status));
    learn_addr(u);
    enter_room(u->loop);
    uv_poll_start(&u->poll, UV_READABLE, on_ready);
    *out = u;
    return ERR_OK;
}

enum err udp_bind(struct loop *l, const struct addr *at, const struct udp_options *options,
                  const struct udp_events *events, void *owner, struct udp **out)
{
    static const struct udp_options none;
    struct sockaddr_storage ss;
    struct udp *u = NULL;
    enum err e = create(l, at, events, owner, &u);
    if (e)
        return e;
    u->is_any = addr_is_any(at);
    socklen_t len = addr_to_sockaddr(at, &ss);
    if (!set_options(u, options ? options : &none) || bind(u->fd, (struct sockaddr *)&ss, len) < 0)
        return abandon(u, err_from_errno(errno));
    return watch(u, out);
}

enum err udp_connect(struct loop *l, const struct addr *to, const struct udp_events *events,
                     void *owner, struct udp **out)
{
    struct sockaddr_storage ss;
    struct udp *u = NULL;
    enum err e = create(l, to, events, owner, &u);
    if (e)
        return e;
    u->is_connected = true;
    socklen_t len = addr_to_sockaddr(to, &ss);
    if (connect(u->fd, (struct sockaddr *)&ss, len) < 0)
        return abandon(u, err_from_errno(errno));
    return watch(u, out);
}

void *udp_owner(const struct udp *u)
{
    return u->owner;
}

void udp_addr(const struct udp *u, struct addr *out)
{
    *out = u->at;
}

void udp_close(struct udp *u)
{
    if (u->closed)
        return;
    u->closed = true;
    uv_close((uv_handle_t *)&u->poll, on_closed);
    close(u->fd);
}
