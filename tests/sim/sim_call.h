/* One request and its answer, seen from one end, with everything that came kept for the test.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/net/http_stream.h"
#include "tests/sim/sim_text.h"

struct sim_server;

/* Lives until its client or server is closed. */
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

/* Linked to `calls`. `server` NULL: a client's. */
struct sim_call *sim_call_create(struct list *calls, struct sim_server *server);
/* All of them. */
void sim_call_destroy_all(struct list *calls);
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
