/* One worker's connection to one Redis endpoint with one login: commands go out in the order of
 * asking, replies come back in the same order. It is made when first asked for. When it cannot be
 * made, or falls silent, it is down for a while: then questions fail at once, and it tries again by
 * itself as long as somebody asks. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/fail.h"
#include "filters/redis.h"
#include "lib/base/list.h"
#include "lib/codec/resp/resp_read.h"
#include "lib/io/loop.h"
#include "lib/io/stream.h"
#include "lib/io/timer.h"
#include "sidecar/upstream/cluster.h"

#define REDIS_PENDING_MAX 1024u      /* questions on one connection without an answer */
#define REDIS_REPLY_MAX (256u * 1024) /* bytes of one answer */
#define REDIS_DETAIL_MAX 192

struct redis_link;

/* A question's place in the queue; embed. Exactly one of both is called, unless it is forgotten
 * before. */
struct redis_wait {
    struct redis_link *link; /* while it waits */
    uint32_t at;
    uint64_t sent_ms;
    /* The value is the link's: copy it. It may send again on the link. */
    void (*on_reply)(struct redis_wait *w, const struct resp_value *value);
    /* The connection is gone. detail: for the call. It must not call back. */
    void (*on_lost)(struct redis_wait *w, enum fail why, const char *detail);
};

enum redis_state { REDIS_IDLE, REDIS_DIALLING, REDIS_GREETING, REDIS_READY, REDIS_DOWN };

struct redis_link {
    struct list node; /* in the endpoint's room */
    struct endpoint *endpoint;
    struct slice username, password; /* its own copies */
    uint32_t database;

    enum redis_state state;
    struct stream *stream;
    struct resp_reader reader;
    struct buf out; /* leaves at the end of the turn, once the server has greeted us */
    struct loop_task flush;
    struct timer timer; /* of the state: until when it has to be over */
    unsigned greetings; /* answers to our greeting that have not come */
    struct redis_wait *queue[REDIS_PENDING_MAX]; /* a ring; NULL: forgotten */
    uint32_t first, count, live; /* live: not forgotten */
    uint64_t heard_ms, used_ms;
    uint64_t identity_generation; /* what the connection was dialled with */
    struct backend_tls *tls;

    bool is_down;    /* the last try failed, and no time has passed since */
    bool is_wanted;  /* somebody has asked meanwhile */
    bool is_told;    /* the log has been told that it is down … */
    bool is_error_told; /* … or that it answers with errors */
    bool is_replica; /* it takes no writes … */
    uint64_t replica_until_ms; /* … as far as we know until then */
    unsigned failures;         /* in a row */
    enum fail why;
    char detail[REDIS_DETAIL_MAX];
};

struct redis_link *redis_link_create(struct endpoint *e, const struct filter_redis_server *login);
/* Without a stream and with nobody who waits. */
void redis_link_destroy(struct redis_link *l);
bool redis_link_has(const struct redis_link *l, const struct filter_redis_server *login);

/* Sends one command, or has it wait for the connection. w's functions are set. has_source: a script
 * goes as a whole. FAIL_NONE: w waits; else nothing does, and l->detail may say more. */
enum fail redis_link_send(struct redis_link *l, struct redis_wait *w,
                          const struct filter_redis *ask, bool has_source);
/* Its answer is not wanted any more. Idempotent. */
void redis_link_forget(struct redis_wait *w);
/* Somebody's time is up. When the server has said nothing since that was sent, it is down. */
void redis_link_suspect(struct redis_link *l, uint64_t sent_ms);
/* An answer was an error, or none (said is empty): told once, until that changes. */
void redis_link_note(struct redis_link *l, struct slice said);
/* The server says that it is a replica: avoid it for a while. */
void redis_link_is_replica(struct redis_link *l, struct slice said);

/* Closes once nobody waits; makes no new connection by itself. */
void redis_link_rest(struct redis_link *l);
/* After a change of roots or certificates. */
void redis_link_review(struct redis_link *l);
