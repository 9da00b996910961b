/* One question to the app in this pod, asked by the control thread and not by way of the data
 * plane: an HTTP GET, a TCP connection, or gRPC's health check. It is asked at the loopback
 * address, and at the pod's own when nobody listens there. Bounded in time and size.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/base/list.h"
#include "lib/base/slice.h"

struct app_call;
struct loop;

enum app_call_kind { APP_CALL_HTTP, APP_CALL_TCP, APP_CALL_GRPC };

struct app_call_header {
    struct slice name, value; /* lower-case name */
};

struct app_question {
    enum app_call_kind kind;
    uint16_t port;
    uint32_t timeout_ms; /* for everything */
    /* HTTP */
    bool is_tls;       /* whoever answers is believed, as the kubelet does */
    struct slice path; /* with query */
    struct slice host; /* empty: the address that is asked */
    const struct app_call_header *headers;
    size_t header_count;
    size_t body_max; /* what comes behind is left out */
    /* gRPC */
    struct slice service;
};

/* Lives until the function returns. */
struct app_answer {
    unsigned status; /* HTTP, or as HTTP would say it: 200 good, 503 not; 0: there was no answer */
    struct slice content_type;
    struct buf *body;   /* the receiver may take it */
    bool is_cut;        /* the body was longer */
    const char *detail; /* without an answer: why */
};
typedef void (*app_call_done_fn)(void *owner, struct app_answer *answer);

/* Who asks, and from where. */
struct app_call_place {
    struct loop *loop;
    struct addr pod_ip; /* family 0: not known */
    bool is_redirected; /* what goes to the pod's own address must be marked as ours */
};

/* The question must live until the answer, which comes once and never before this returns. Linked
 * to `calls`. */
struct app_call *app_call_open(const struct app_call_place *place, const struct app_question *q,
                               struct list *calls, app_call_done_fn done, void *owner);
/* All in the list, without an answer. */
void app_call_cancel_all(struct list *calls);
