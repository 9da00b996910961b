/* The API server: requests with one answer, and answers that never end (watches). Keeps one or a
 * few HTTP/2 connections; TLS is always verified; the token is read from its file again before it
 * is too old (at most a minute). On one loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/kube/kube_config.h"

struct buf;
struct doc;
struct kube_client;
struct kube_request;
struct loop;

/* Takes over `config`. Nothing is dialled before the first request. */
struct kube_client *kube_client_create(struct loop *l, struct kube_config *config);
/* Requests that are under way are dropped without an answer. */
void kube_client_destroy(struct kube_client *c);
struct slice kube_client_namespace(const struct kube_client *c);

struct kube_call {
    const char *method;       /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    struct slice path;        /* "/api/v1/namespaces/a/pods?limit=1": already escaped; copied */
    struct slice body;        /* copied; may be empty */
    const char *content_type; /* static; NULL: application/json */
    /* Static; NULL: none. Asks for a WebSocket of this subprotocol, of a client with
     * kube_config.http1; on_head says 101, and bytes go both ways from then on. */
    const char *websocket;
    uint32_t timeout_ms;      /* 0: 30000; whole answer, but for streams: until its head */
};

struct kube_result {
    unsigned status; /* HTTP; 0: no answer came */
    struct slice body;
    /* What went wrong, for people: the Status object's message, or ours. Empty when 2xx. */
    struct slice detail;
    uint32_t retry_after_ms; /* 429 and 503; 0: not said */
};

/* Called once, never from inside kube_client_send; the result lives until it returns. */
typedef void (*kube_done_fn)(void *owner, const struct kube_result *result);
/* The answer whole, at most 16 MiB. */
struct kube_request *kube_client_send(struct kube_client *c, const struct kube_call *call,
                                      kube_done_fn done, void *owner);

struct kube_stream_events {
    void (*on_head)(void *owner, unsigned status); /* 101 and 2xx only; others go to on_end */
    void (*on_bytes)(void *owner, struct slice bytes);
    /* Once. status 200 and an empty detail: it ended regularly. */
    void (*on_end)(void *owner, const struct kube_result *result);
};
/* idle_ms: without a byte for that long it counts as broken; 0: never. */
struct kube_request *kube_client_stream(struct kube_client *c, const struct kube_call *call,
                                        uint32_t idle_ms, const struct kube_stream_events *events,
                                        void *owner);
/* After a WebSocket's on_head. Takes all bytes out of `data`. */
void kube_request_write(struct kube_request *r, struct buf *data);
/* No event after; the pointer is dead (as it is after done and on_end). */
void kube_request_cancel(struct kube_request *r);
