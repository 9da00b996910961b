/* All data planes that are connected: who they are, what they have, and that each gets what it
 * should. Owned by the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "lib/base/metric.h"
#include "policies/policyd/compile_cache.h"

struct grpc_stream;
struct loop;
struct subscriber_list;

struct subscriber_list_config {
    struct loop *loop;
    struct compile_cache *cache;
    const struct policy_set *(*set)(void *owner);
    bool (*is_ready)(void *owner); /* the set is complete; until then everybody waits */
    /* A gateway's data plane came, went, or has taken an update; or any one has taken one without
     * a part that it refuses, or the first one that is whole again. */
    void (*gateway_moved)(void *owner);
    void *owner;
    struct slice trust_domain; /* must outlive it */
    bool needs_pod;            /* see access.h */
    size_t streams_per_peer;   /* of one identity at one address; 0: no bound */
};

struct subscriber_list *subscriber_list_create(const struct subscriber_list_config *config);
/* Ends all streams; nobody is admitted any more. */
void subscriber_list_dismiss(struct subscriber_list *r);
/* After the loop: frees it. */
void subscriber_list_destroy(struct subscriber_list *r);
/* A stream that a data plane opened. */
void subscriber_list_admit(struct subscriber_list *r, struct grpc_stream *stream);
/* Answers were marked: everybody is looked at. changed_ns: loop_now_ns of the change. */
void subscriber_list_changed(struct subscriber_list *r, uint64_t changed_ns);

/* Not everybody was looked at since the last change, or a Gateway is about to have it: what can
 * wait should. */
bool subscriber_list_is_busy(const struct subscriber_list *r);

enum subscriber_gateway {
    SUBSCRIBER_GATEWAY_ABSENT,
    SUBSCRIBER_GATEWAY_REFUSING,
    SUBSCRIBER_GATEWAY_BEHIND,
    SUBSCRIBER_GATEWAY_CURRENT,
};
/* How the best of the Gateway's data planes is, of those that are connected here. refusal: why one
 * refuses; valid until the loop goes on. */
enum subscriber_gateway subscriber_list_find_gateway(const struct subscriber_list *r,
                                                     struct slice namespace_name, struct slice name,
                                                     struct slice *refusal);

struct subscriber_list_count {
    size_t subscribers, waiting, behind, gateways, addresses;
    uint64_t updates, update_bytes, acks, nacks, refused, desynced, slow;
    uint64_t crowded; /* streams that were one too many of their peer */
};
const struct compile_cache *subscriber_list_cache(const struct subscriber_list *r);
void subscriber_list_measure(const struct subscriber_list *r, struct subscriber_list_count *out);
/* From a change to the word of a data plane that it is in force there. */
const struct histogram *subscriber_list_propagation(const struct subscriber_list *r);
/* An array: who, which program version, how far. */
void subscriber_list_write(const struct subscriber_list *r, struct json_write *to);
