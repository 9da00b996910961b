/* The recording user of a stream, and raw sockets, for the tests of lib/io. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/io/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/io/cmocka_io.h"

static void record(struct stream *s, enum event what)
{
    struct probe *p = s->owner;
    assert_false(p->in_call);
    assert_int_equal(p->count[EVENT_FAIL], 0);
    p->count[what]++;
}

static void tell(struct probe *p, enum event what)
{
    if (p->hook)
        p->hook(p, what);
}

static void on_open(struct stream *s)
{
    record(s, EVENT_OPEN);
    tell(s->owner, EVENT_OPEN);
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct probe *p = s->owner;
    record(s, EVENT_DATA);
    assert_int_equal(p->count[EVENT_EOF], 0);
    assert_true(len > 0);
    assert_true(data >= owner->data && data + len <= owner->data + owner->used);
    buf_append_shared(&p->got, owner, data, len);
    tell(p, EVENT_DATA);
}

static void on_eof(struct stream *s)
{
    record(s, EVENT_EOF);
    assert_int_equal(((struct probe *)s->owner)->count[EVENT_EOF], 1);
    tell(s->owner, EVENT_EOF);
}

static void on_drain(struct stream *s)
{
    record(s, EVENT_DRAIN);
    assert_int_equal(stream_queued(s), 0);
    tell(s->owner, EVENT_DRAIN);
}

static void on_fail(struct stream *s, enum err why)
{
    struct probe *p = s->owner;
    struct stream_info info;
    record(s, EVENT_FAIL);
    p->why = why;
    stream_info(s, &info);
    if (info.fail_detail)
        snprintf(p->detail, sizeof(p->detail), "%s", info.fail_detail);
    tell(p, EVENT_FAIL);
}

const struct stream_events probe_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_drain = on_drain,
    .on_fail = on_fail,
};

void probe_init(struct probe *p, struct loop *l)
{
    memset(p, 0, sizeof(*p));
    p->loop = l;
    buf_init(&p->got);
}

void probe_use(struct probe *p, struct stream *s)
{
    p->stream = s;
    stream_use(s, &probe_events, p);
}

void probe_dial(struct probe *p, const struct addr *to, const struct tcp_dial_options *options)
{
    p->in_call = true;
    p->stream = tcp_dial(p->loop, to, options, &probe_events, p);
    p->in_call = false;
}

void probe_write(struct probe *p, const void *data, size_t len)
{
    struct buf b;
    buf_init(&b);
    buf_append(&b, data, len);
    p->in_call = true;
    stream_write(p->stream, &b);
    p->in_call = false;
    assert_int_equal(b.len, 0);
    assert_null(b.head);
}

void probe_read(struct probe *p, bool on)
{
    p->in_call = true;
    if (on)
        stream_read_start(p->stream);
    else
        stream_read_stop(p->stream);
    p->in_call = false;
}

void probe_shutdown(struct probe *p)
{
    p->in_call = true;
    stream_shutdown(p->stream);
    p->in_call = false;
}

void probe_close(struct probe *p, bool flush_first)
{
    p->in_call = true; /* for good: nothing may come any more */
    if (flush_first)
        stream_close_flushed(p->stream);
    else
        stream_close(p->stream);
    p->stream = NULL;
}

bool probe_got(const struct probe *p, const char *text)
{
    char got[256];
    if (p->got.len != strlen(text) || p->got.len > sizeof(got))
        return false;
    buf_copy_out(&p->got, got, p->got.len);
    return memcmp(got, text, p->got.len) == 0;
}

void probe_dispose(struct probe *p)
{
    if (p->stream)
        probe_close(p, false);
    buf_dispose(&p->got);
}

void probe_stop_on_open(struct probe *p, enum event what)
{
    if (what == EVENT_OPEN || what == EVENT_FAIL)
        loop_stop(p->loop);
}

void probe_stop_on_eof_or_fail(struct probe *p, enum event what)
{
    if (what == EVENT_EOF || what == EVENT_FAIL)
        loop_stop(p->loop);
}

static void take(struct listener *l, struct stream *accepted)
{
    struct probe *p = listener_owner(l);
    assert_null(p->stream);
    probe_use(p, accepted);
    probe_read(p, true);
    if (p->hook)
        p->hook(p, EVENT_OPEN);
}

struct listener *probe_listen(struct loop *l, struct probe *to, struct addr *at)
{
    struct listener *made;
    struct addr any = {.family = 4, .ip = {127, 0, 0, 1}};
    assert_int_equal(listener_open(l, &any, NULL, take, to, &made), ERR_OK);
    listener_addr(made, at);
    assert_int_not_equal(at->port, 0);
    return made;
}

int raw_listen(struct addr *at, int backlog)
{
    struct sockaddr_storage ss;
    struct addr any = {.family = 4, .ip = {127, 0, 0, 1}};
    socklen_t len = addr_to_sockaddr(&any, &ss);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, at), ERR_OK);
    return fd;
}

int raw_connect(const struct addr *to)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(to, &ss);
    int fd = socket(to->family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
    return fd;
}

int raw_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

void raw_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

long raw_receive_all(int fd, char *to, size_t max)
{
    size_t used = 0;
    for (;;) {
        ssize_t n = recv(fd, to + used, max - used, 0);
        if (n < 0)
            return -errno;
        if (n == 0 || (used += (size_t)n) == max)
            return (long)used;
    }
}

void raw_reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(fd);
}
