/* Peers that speak HTTP through our own codecs: a client that sends calls, a server that answers
 * them. Our strict parsers are the judges of what the data plane sends.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/net/http_client.h"
#include "lib/net/http_server.h"
#include "tests/sim/sim_call.h"
#include "tests/sim/sim_net.h"

struct sim_client {
    struct http_client *client; /* NULL: over */
    struct list calls;
    bool retired;
    enum err why;
};

void sim_client_open(struct sim_client *c, struct stream *s, enum http_protocol protocol);
void sim_client_close(struct sim_client *c);
/* `body` NULL: none. `end` false: more follows by sim_call_send. */
struct sim_call *sim_client_call(struct sim_client *c, const char *method, const char *authority,
                                 const char *path, const char *body, bool end);
/* With a head of one's own: a call that is not sent yet, to make the head with sim_call_request. */
struct sim_call *sim_client_make(struct sim_client *c);
void sim_client_send(struct sim_client *c, struct sim_call *call, const struct message *head,
                     bool end);

/* An HTTP app. Answers every request with `status` and `body` when it is whole, unless `manual`. */
struct sim_server {
    struct sim_host host;
    struct loop *loop;
    enum http_protocol protocol;
    struct tls_ctx *tls; /* not NULL: over TLS (the test's), and ALPN says the protocol */
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
/* For sim_call.c: a request is whole. */
void sim_server_note_due(struct sim_call *call);
/* The n-th request that came, from 0; NULL: not there. */
struct sim_call *sim_server_call(struct sim_server *s, unsigned n);
/* Final head; `length` -1: not said. */
void sim_server_head(struct sim_call *call, unsigned status, int64_t length, bool end);
void sim_server_answer(struct sim_call *call, unsigned status, const char *body);
/* Closes every connection: graceful, or at once. */
void sim_server_drain(struct sim_server *s);
void sim_server_drop(struct sim_server *s);
