/* A stream's user for tests: it records every event, checks that none comes from inside a call of
 * its own, and calls a hook after each. Also the raw sockets that play the other side. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/io/listener.h"
#include "lib/io/loop.h"
#include "lib/io/stream.h"
#include "lib/io/tcp.h"

enum event { EVENT_OPEN, EVENT_DATA, EVENT_EOF, EVENT_DRAIN, EVENT_FAIL };

struct probe {
    struct loop *loop;
    struct stream *stream; /* NULL once closed */
    unsigned count[EVENT_FAIL + 1];
    enum err why;
    char detail[128]; /* of the failure */
    struct buf got;
    bool in_call;
    void (*hook)(struct probe *p, enum event what);
    void *more; /* the test's */
};

extern const struct stream_events probe_events;

void probe_init(struct probe *p, struct loop *l);
/* Takes over an accepted or created stream. */
void probe_use(struct probe *p, struct stream *s);
void probe_dial(struct probe *p, const struct addr *to, const struct tcp_dial_options *options);
void probe_write(struct probe *p, const void *data, size_t len);
void probe_read(struct probe *p, bool on);
void probe_shutdown(struct probe *p);
void probe_close(struct probe *p, bool flush_first);
bool probe_got(const struct probe *p, const char *text);
void probe_dispose(struct probe *p);

/* Hooks for the simple cases. */
void probe_stop_on_open(struct probe *p, enum event what);
void probe_stop_on_eof_or_fail(struct probe *p, enum event what);

/* A listener whose one connection goes to `to`, which starts reading; with a NULL hook nothing
 * stops the loop. */
struct listener *probe_listen(struct loop *l, struct probe *to, struct addr *at);

/* Blocking sockets. */
int raw_listen(struct addr *at, int backlog);
int raw_connect(const struct addr *to);
int raw_accept(int listener);
void raw_send(int fd, const char *text);
/* Until the end, at most max bytes; -errno when it fails. */
long raw_receive_all(int fd, char *to, size_t max);
/* With RST. */
void raw_reset(int fd);
