/* All data planes that are connected: who they are, what they have, and that each gets what it
 * should. Owned by the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "lib/base/metric.h"
#include "policies/policyd/answers.h"

struct grpc_stream;
struct loop;
struct roster;

struct roster_config {
    struct loop *loop;
    struct answers *answers;
    const struct policy_set *(*set)(void *owner);
    bool (*is_ready)(void *owner); /* the set is complete; until then everybody waits */
    /* A gateway's data plane came, went, or has taken an update. */
    void (*gateway_moved)(void *owner);
    void *owner;
    struct slice trust_domain; /* must outlive it */
    bool needs_pod;            /* see access.h */
    size_t streams_per_peer;   /* of one identity at one address; 0: no bound */
};

struct roster *roster_create(const struct roster_config *config);
/* Ends all streams; nobody is admitted any more. */
void roster_dismiss(struct roster *r);
/* After the loop: frees it. */
void roster_destroy(struct roster *r);
/* A stream that a data plane opened. */
void roster_admit(struct roster *r, struct grpc_stream *stream);
/* Answers were marked: everybody is looked at. changed_ns: loop_now_ns of the change. */
void roster_changed(struct roster *r, uint64_t changed_ns);

/* Not everybody was looked at since the last change, or a Gateway is about to have it: what can
 * wait should. */
bool roster_is_busy(const struct roster *r);

enum roster_gateway {
    ROSTER_GATEWAY_ABSENT,
    ROSTER_GATEWAY_REFUSING,
    ROSTER_GATEWAY_BEHIND,
    ROSTER_GATEWAY_CURRENT,
};
/* How the best of the Gateway's data planes is, of those that are connected here. refusal: why one
 * refuses; valid until the loop goes on. */
enum roster_gateway roster_find_gateway(const struct roster *r, struct slice namespace_name,
                                        struct slice name, struct slice *refusal);

struct roster_count {
    size_t subscribers, waiting, behind, gateways, addresses;
    uint64_t updates, update_bytes, acks, nacks, refused, desynced, slow;
    uint64_t crowded; /* streams that were one too many of their peer */
};
void roster_measure(const struct roster *r, struct roster_count *out);
/* From a change to the word of a data plane that it is in force there. */
const struct histogram *roster_propagation(const struct roster *r);
/* An array: who, which program version, how far. */
void roster_write(const struct roster *r, struct json_write *to);
