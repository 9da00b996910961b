/* One data plane on one stream: what it said of itself, what it asked for, what it has, and at most
 * one update that is under way. The inside of the list of subscribers. Owned by the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/list.h"
#include "lib/base/map.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_stream.h"
#include "policies/policyd/access.h"
#include "policies/policyd/version_set.h"
#include "policies/policyd/peer_streams.h"
#include "policies/policyd/subscriber_list.h"
#include "policies/proto/discovery.pb-c.h"

enum subscriber_state {
    SUBSCRIBER_NEW,     /* has not said hello */
    SUBSCRIBER_WAITING, /* may not be served yet */
    SUBSCRIBER_LIVE,
};

/* An address that was asked for. */
struct subscribed_address {
    struct answer_at answer;
    uint64_t told, telling; /* names of the answer that it has; that are under way */
    bool is_told, is_telling;
};

struct subscriber {
    struct subscriber_list *subscribers;
    struct list node;
    struct grpc_stream *stream;
    struct loop_task grave;
    enum subscriber_state state;
    char *namespace_name, *service_account; /* the certificate's */
    char *peer; /* who and from where, for the bound on its streams */
    int64_t not_after_ms;
    char *pod, *pod_ip, *gateway, *version; /* its own words */
    struct answer_at base;
    struct map subscriptions; /* address -> struct subscribed_address */
    struct version_set have;  /* as acknowledged, or as it said */
    struct version_set pending;
    bool is_pending, is_dirty, is_first, has_refused;
    bool has_refused_part; /* something in what it has is not in force */
    uint64_t refused_digest;
    char *refusal; /* why; NULL: nothing was refused */
    uint64_t seen; /* the round that was looked at last */
    uint64_t serial;
    uint64_t since_ms;   /* in this state, or since the update was sent */
    uint64_t missing_ms; /* since when its pod is not there; 0: it is */
    uint64_t cause_ns;   /* of the change that the update under way is for; 0: none */
};

struct subscriber *subscriber_create(struct subscriber_list *r, struct grpc_stream *stream);
/* Ends the stream, and frees it at the end of the turn. */
void subscriber_close(struct subscriber *s, enum grpc_status status, const char *why);
/* The same, and counted. */
void subscriber_refuse(struct subscriber *s, enum grpc_status status, const char *why);

/* ---- subscriber_serve.c ---- */

/* Sends what is due, when it may. */
void subscriber_look(struct subscriber *s);
/* What time alone brings: limits, and certificates that expire. */
void subscriber_tick(struct subscriber *s, uint64_t now_ms, int64_t wall_ms);

/* ---- subscriber_send.c ---- */

/* Makes and sends the update from what it has to what it should have. False: it is too large. */
bool subscriber_send(struct subscriber *s);
/* Forgets what is under way. */
void subscriber_settle(struct subscriber *s, bool accepted);

/* ---- the list of subscribers, for its subscribers ---- */

struct subscriber_list {
    struct subscriber_list_config config;
    struct list subscribers; /* gateways first */
    struct list *cursor;     /* the next to be looked at; NULL: all were */
    struct timer sweep, tick;
    uint64_t changed_ns;
    struct peer_streams peers;
    struct subscriber_list_count count;
    struct histogram propagation;
    bool is_closed;
};
