/* What the app_call*.c files share: the call, and one attempt at one address. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/tcp.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_client.h"
#include "lib/net/http_client.h"
#include "sidecar/control/app_call.h"

enum { APP_CALL_REDIRECTS_MAX = 10 };

/* What an attempt has come to. */
enum app_call_state {
    APP_CALL_ASKING,
    APP_CALL_UNREACHABLE, /* nobody is there: perhaps at the next address */
    APP_CALL_ELSEWHERE,   /* HTTP: `path` is to be asked instead */
    APP_CALL_ANSWERED,    /* well or badly */
};

struct app_call {
    struct app_call_place place;
    const struct app_question *question;
    struct list node;
    app_call_done_fn done;
    void *owner;
    struct addr addresses[2];
    unsigned address_count, at;
    enum app_call_state state;
    unsigned redirects;
    struct slice path; /* what is asked for now */
    struct arena arena;
    /* the attempt */
    struct stream *stream; /* being dialled */
    struct http_client *client;
    struct http_stream http;
    struct grpc_client *grpc;
    /* the answer */
    unsigned status;
    struct slice content_type;
    struct buf body;
    bool is_cut;
    char detail[192];
    struct timer timer;
    struct loop_task turn, grave;
};

/* app_call.c: the attempt's news; the turn goes on from there. */
void app_call_note(struct app_call *c, enum app_call_state state, const char *detail);
struct stream *app_call_dial(struct app_call *c, const struct stream_events *events, void *owner);

/* app_call_http.c, app_call_grpc.c: begin, and end in whatever state it is. */
void app_call_http_begin(struct app_call *c);
void app_call_http_end(struct app_call *c);
void app_call_grpc_begin(struct app_call *c);
void app_call_grpc_end(struct app_call *c);
