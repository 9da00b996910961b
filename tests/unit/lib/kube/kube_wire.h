/* The server end of connections to an API server, for tests: TLS and HTTP in memory, on a simulated
 * loop. It hands over whole requests; what they are answered is somebody else's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/kube/kube_client.h"
#include "lib/net/http_server.h"

struct kube_wire;

/* One request. Whoever answers keeps its state in `data`. */
struct kube_wire_call {
    struct http_stream st;
    struct list node; /* among the wire's calls, in the order they came */
    struct kube_wire *wire;
    struct arena arena;
    struct message *head, answer;
    struct buf body;
    struct slice text; /* the body, once the request is whole */
    struct loop_task grave;
    bool is_whole, is_answered, is_open;
    void *data;
};

struct kube_wire {
    struct loop *loop;
    const char *alpn; /* "h2" or "http/1.1" */
    void (*on_request)(void *owner, struct kube_wire_call *c);
    void *owner;
    struct list calls;
    struct http_server *server; /* of the last connection; NULL: none */
    struct stream *accepting;
    struct stream *near; /* the client's end of the last one */
    unsigned connections, refused;
    bool refuse; /* new connections */
    unsigned refuse_streams; /* so many requests, which are not read */
};

/* Makes certificates for all wires of the program; a cmocka group fixture. */
int kube_wire_set_up(void **state);
int kube_wire_tear_down(void **state);

void kube_wire_init(struct kube_wire *w, struct loop *l, const char *alpn);
/* After the clients are destroyed, and a turn. */
void kube_wire_dispose(struct kube_wire *w);
/* A client whose connections end here; its namespace is "shop". token_file may be NULL. */
struct kube_client *kube_wire_client(struct kube_wire *w, const char *token_file);

/* Once; retry_after may be NULL. open: the body goes on with kube_wire_push. */
void kube_wire_answer(struct kube_wire_call *c, unsigned status, const char *retry_after,
                      struct slice body, bool open);
void kube_wire_push(struct kube_wire_call *c, struct slice text, bool end);
/* Resets it. */
void kube_wire_break(struct kube_wire_call *c);
