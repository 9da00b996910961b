/* policyd's list of subscribers with data planes at it: a set of objects out of YAML, streams in
 * memory, and both clocks in the test's hand. One thread. SPDX-License-Identifier: GPL-3.0-or-later
 */
#pragma once

#include "policies/policyd/subscriber_list.h"
#include "tests/sim/fake_peer.h"

#define PLANE_DOMAIN "cluster.local"
enum { PLANE_STREAMS_MAX = 5 }; /* of one identity at one address */
#define PLANE_LIFE_MS 3600000 /* of a certificate, unless the test says otherwise */

struct plane_bed {
    struct loop *loop;
    struct policy_set *set;
    struct compile_cache *cache;
    struct subscriber_list *subscribers;
    struct grpc_method method;
    struct grpc_service service;
    bool is_ready;
    unsigned gateway_moves;
};

void plane_bed_open(struct plane_bed *b, const char *yaml, bool needs_pod);
void plane_bed_close(struct plane_bed *b);
/* Instead of opening it: streams for somebody else's list of subscribers. Nothing is to be closed.
 */
void plane_bed_lend(struct plane_bed *b, struct loop *loop, struct subscriber_list *subscribers);
/* Other objects from now on; everybody is looked at. */
void plane_bed_change(struct plane_bed *b, const char *yaml);
void plane_bed_turn(struct plane_bed *b);
void plane_bed_advance(struct plane_bed *b, uint64_t ms);
/* What the list of subscribers says that it has done. */
struct subscriber_list_count plane_bed_count(const struct plane_bed *b);

/* One data plane. What it was sent last is kept as text. */
struct plane {
    struct plane_bed *bed;
    struct fake_peer peer;
    struct grpc_stream *stream; /* NULL once it is over */
    enum grpc_status status;
    char why[300];
    unsigned updates;
    uint64_t serial, digest;
    char resources[1000], removed[1000]; /* "cluster/a/one:80 … ", sorted as sent */
    char answers[1000];                  /* "10.0.0.1:80=2 …": address and how many resources */
};

/* Opens a stream; id: the SPIFFE ID of its certificate, NULL: none. */
void plane_connect(struct plane *p, struct plane_bed *b, const char *id, int64_t not_after_ms);
/* The same from an address of its own, "10.1.0.2:40000". */
void plane_connect_from(struct plane *p, struct plane_bed *b, const char *id, int64_t not_after_ms,
                        const char *address);
/* The same by a connection of the test's own, which is the test's to end. */
void plane_connect_by(struct plane *p, struct plane_bed *b, struct grpc_client *client);
void plane_disconnect(struct plane *p);
/* Says who it is and what it calls (address: may be NULL), and has the list of subscribers answer.
 */
void plane_hello(struct plane *p, const char *pod, const char *gateway, const char *address);
/* add: one address, or two with a space between; both may be NULL. */
void plane_ask(struct plane *p, const char *add, const char *drop);
/* Answers the last update. */
void plane_ack(struct plane *p);
/* … and a part of it is not in force. */
void plane_ack_refused(struct plane *p, const char *why);
void plane_nack(struct plane *p, const char *why);
/* Sends what is no message of ours, too. */
void plane_say(struct plane *p, const void *message, size_t len);
