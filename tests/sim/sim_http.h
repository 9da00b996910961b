/* Peers that speak HTTP through our own codecs: a client that sends calls, a server that answers
 * them. Our strict parsers are the judges of what the data plane sends.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/net/http_client.h"
#include "lib/net/http_server.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_text.h"

struct sim_server;

/* One request and its answer, seen from one end. Lives until its client or server is closed. */
struct sim_call {
    struct list node;
    struct http_stream st;
    struct arena arena;
    struct message *head; /* what came: the answer, or the request */
    struct sim_text body;
    const struct headers *trailers;
    unsigned interims;
    uint16_t last_interim;
    bool ended, done, aborted;
    struct list due; /* in server->due until it is answered */
    bool hold;       /* bytes that come are not consumed */
    size_t held;
    enum err why;              /* aborted */
    struct sim_server *server; /* NULL: a client's call */
};

struct sim_client {
    struct http_client *client; /* NULL: over */
    struct list calls;
    bool retired;
    enum err why;
};

void sim_client_open(struct sim_client *c, struct stream *s, enum http_protocol protocol);
void sim_client_close(struct sim_client *c);
/* `body` NULL: none. `end` false: more follows by sim_call_send. Further headers are added with
 * sim_call_message first. */
struct sim_call *sim_client_call(struct sim_client *c, const char *method, const char *authority,
                                 const char *path, const char *body, bool end);
/* With a head of one's own, made by sim_call_create and sim_call_message. */
void sim_client_send(struct sim_client *c, struct sim_call *call, const struct message *head,
                     bool end);
struct sim_call *sim_client_make(struct sim_client *c);
/* A message in the call's arena. */
struct message *sim_call_request(struct sim_call *call, const char *method, const char *authority,
                                 const char *path);
void sim_call_add(struct message *m, struct sim_call *call, const char *name, const char *value);
/* The value of a header that came; "" when absent. Valid as long as the call. */
const char *sim_call_header(struct sim_call *call, const char *name);
void sim_call_send(struct sim_call *call, const char *body, bool end);
void sim_call_send_zeros(struct sim_call *call, size_t len, bool end);
void sim_call_reset(struct sim_call *call, enum err why);
/* Everything that is held, and from now on what comes. */
void sim_call_release(struct sim_call *call);

/* An HTTP app. Answers every request with `status` and `body` when it is whole, unless `manual`. */
struct sim_server {
    struct sim_host host;
    struct loop *loop;
    enum http_protocol protocol;
    struct http_server_config config;
    struct list calls;
    struct list connections;
    struct list due;
    struct loop_task work;
    bool manual;
    bool refuse; /* requests, before they are processed */
    unsigned status, requests, open, bad;
    const char *body;
};

void sim_server_open(struct sim_server *s, struct loop *l, const char *address,
                     enum http_protocol protocol);
void sim_server_close(struct sim_server *s);
/* The n-th request that came, from 0; NULL: not there. */
struct sim_call *sim_server_call(struct sim_server *s, unsigned n);
/* Final head; `length` -1: not said. */
void sim_server_head(struct sim_call *call, unsigned status, int64_t length, bool end);
void sim_server_answer(struct sim_call *call, unsigned status, const char *body);
/* Closes every connection: graceful, or at once. */
void sim_server_drain(struct sim_server *s);
void sim_server_drop(struct sim_server *s);
