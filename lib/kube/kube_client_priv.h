/* A client of the API server as its files share it: kube_client.c (requests meet connections),
 * kube_client_dial.c (making connections), kube_request.c (one request). Owned by one loop, on its
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_client.h"
#include "lib/net/http_client.h"
#include "lib/tls/tls_ctx.h"

#define KUBE_EVENTS_SEEN 256u /* that are remembered, so as not to be sent again */

/* A connection that is open; a retired one lives until its last stream ends. */
struct kube_conn {
    struct kube_client *client; /* NULL once that is gone */
    struct http_client *http;
    struct loop *loop;
    struct list node;
    struct loop_task grave;
    bool retired;
};

/* The connection that is being made: one address after the other. */
struct kube_dial {
    struct resolve *resolve;
    struct stream *stream;
    struct addr addrs[RESOLVE_MAX];
    size_t count, next;
    /* Instead of TCP, for tests in memory; NULL: TCP. */
    struct stream *(*connect)(void *connect_owner, const struct addr *to,
                              const struct stream_events *events, void *owner);
    void *connect_owner;
};

struct kube_seen {
    uint64_t hash, until_ms;
};

struct kube_client {
    struct loop *loop;
    struct kube_config config;
    struct tls_ctx *tls; /* made for the first connection */
    char *url;           /* "https://host:port", for sentences */
    char *authority;
    char *token; /* what the token file held, or the config's */
    uint64_t token_ms;
    bool token_is_old; /* the server did not like it */
    struct kube_dial dial;
    struct list conns;   /* newest first */
    struct list waiting; /* requests without a connection */
    struct list sent;
    struct loop_task task, grave;
    struct kube_seen seen[KUBE_EVENTS_SEEN];
    bool destroyed;
};

struct kube_request {
    struct http_stream st;
    struct list node;
    struct kube_client *client;
    struct kube_conn *conn; /* while st is live */
    struct arena arena;
    struct loop_task task; /* what to do about the facts; then the grave */
    struct timer timer;
    struct message request;
    const char *method, *content_type, *websocket;
    struct slice path, body;
    struct buf out, in;
    struct message *head;
    kube_done_fn done; /* NULL: a stream */
    struct kube_stream_events events;
    void *owner;
    void (*dropped)(void *owner); /* see kube_request_on_drop */
    uint32_t timeout_ms, idle_ms;
    unsigned tries;
    char *why; /* the failure, when it was none of the connection's */
    enum err broke;
    bool head_told, ended, gone, late, too_large, may_repeat;
    bool over; /* nothing is told any more */
};

/* Looks again at what waits, at the end of the turn. */
void kube_client_wake(struct kube_client *c);
/* The token as of now; empty when there is none to send. On failure *why (mem_alloc'ed) says why.
 */
MUST_USE enum err kube_client_token(struct kube_client *c, struct slice *out, char **why);

bool kube_dial_is_running(const struct kube_client *c);
/* Ends in a new connection, or kube_client_dial_failed. */
void kube_dial_start(struct kube_client *c);
void kube_dial_stop(struct kube_client *c);
/* Takes why. */
void kube_client_dial_failed(struct kube_client *c, char *why);
void kube_client_add_conn(struct kube_client *c, struct stream *s, enum http_protocol protocol);

/* kube_request_text.c: fills r->request. On failure *why (mem_alloc'ed) says why. */
MUST_USE enum err kube_request_head(struct kube_request *r, char **why);
/* Of an answer that is not 2xx: the message of its Status object, or the beginning of whatever text
 * there is; and how long its Retry-After asks to wait, in milliseconds. */
struct slice kube_request_failure(struct kube_request *r, struct slice body);
uint32_t kube_request_pause(const struct kube_request *r);

/* Sends it on a connection that has room. */
void kube_request_send(struct kube_request *r, struct kube_conn *conn);
/* It will be told, at the end of the turn, that there was no answer. */
void kube_request_fail(struct kube_request *r, const char *why);
/* The client goes away with the request under way. */
void kube_request_drop(struct kube_request *r);
/* For files of this room whose owner must know even when the client goes first: called instead of
 * done, from inside kube_client_destroy. */
void kube_request_on_drop(struct kube_request *r, void (*dropped)(void *owner));
