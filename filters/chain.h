/* Running filters over one exchange: requests forward, responses backward, ends backward, and only
 * filters that were begun. The one runner, for the data plane and for tests. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

/* A chain is refused when the configuration is made if it is longer. */
#define FILTER_CHAIN_MAX 64
/* How much of a body the filters of one direction may keep before its sender has to wait. */
#define FILTER_HOLD_MAX (1u << 20)

enum { FILTER_CHAINS_MAX = 3 }; /* the listener's, the route's, the backend's */

/* One chain that was begun. */
struct filter_frame {
    const struct filter_chain *base;  /* as it was entered */
    const struct filter_chain *chain; /* as it runs: from own_from on, with the caller's filters */
    char *ctx, *own_ctx;              /* of entries before own_from, and from there on */
    uint32_t own_from;
    bool is_personal; /* it is known who calls: whatever that changes was changed */
    uint32_t begun;      /* entries before this one have seen the request's head */
    uint32_t passed;     /* those before this one let it go on */
    uint32_t unanswered; /* those before this one have not seen the response's head */
    uint32_t unopened;   /* the same of those that are next to the backend, who go first */
};

/* A filter that looks at a body, and what it keeps of it. */
struct filter_stage {
    const struct filter_entry *entry;
    void *ctx;
    struct buf held;
    bool is_given_end, is_over, waits;
};

/* Stages are added as filters let the head pass, so a filter that looks at the body before it does
 * (filter_host.peek_body) sees what those before it have made of it. */
struct filter_body {
    struct filter_stage *stages;
    uint32_t count, capacity;
    uint32_t ran; /* what lies behind the last stage has passed so many of them */
    bool is_over; /* its end has left the last stage */
    bool waits;   /* some stage keeps what it has until it is woken, or more comes */
    size_t held;  /* bytes, in all stages */
};

enum filter_hook { FILTER_ON_REQUEST, FILTER_ON_RESPONSE, FILTER_ON_REQUEST_BODY,
                   FILTER_ON_RESPONSE_BODY };

struct filter_road {
    struct filter_frame frames[FILTER_CHAINS_MAX];
    struct filter_body request_body, response_body;
    const struct filter_chain *personal; /* the caller's own, which some frame has; NULL: none */
    uint8_t frame_count;
    uint8_t waiting, woken; /* bits of enum filter_hook */
    uint8_t broken; /* FILTER_REPLY or FILTER_RESET: what a stage said while a filter peeked; else
                     * 0 */
};

/* When the filters that authenticate are passed, those that are for the consumer (struct consumer)
 * take the place of others of the same type, and are added where there is none. */
/* Enters a chain, or goes on in one that waits. NULL and a chain that was passed: FILTER_NEXT. */
enum filter_verdict filter_road_request(struct filter_road *r, struct filter_exchange *x,
                                        const struct filter_chain *chain);
/* All chains that were begun. FILTER_NEXT: every filter has seen the head. */
enum filter_verdict filter_road_response(struct filter_road *r, struct filter_exchange *x);
/* An answer of our own that was given before `chain` was begun: shown to those of its filters that
 * see every answer. NULL is allowed. */
void filter_road_unreached(struct filter_road *r, struct filter_exchange *x,
                           const struct filter_chain *chain);
/* Once, when the exchange is over. */
void filter_road_end(struct filter_road *r, struct filter_exchange *x);

/* What waits is called again. */
void filter_road_wake(struct filter_road *r);

/* While a hook of a head peeks at a body: a stage has answered or reset, so the head does not go on
 * when the hook waits. */
void filter_road_break(struct filter_road *r, enum filter_verdict verdict);

/* Does a filter that has let the head pass look at that body? */
bool filter_road_sees_request_body(const struct filter_road *r);
bool filter_road_sees_response_body(const struct filter_road *r);
/* Takes what has come from `in`, and puts into `out` what the last filter lets go; end: nothing
 * comes behind `in`. The body's is_over tells whether the end has passed too, held how much filters
 * keep. Never FILTER_WAIT. May be called while a chain waits: then the filters that have let the
 * head pass see it, and what lies in `out` goes on from there later. */
enum filter_verdict filter_road_request_body(struct filter_road *r, struct filter_exchange *x,
                                             struct buf *in, bool end, struct buf *out);
enum filter_verdict filter_road_response_body(struct filter_road *r, struct filter_exchange *x,
                                              struct buf *in, bool end, struct buf *out);
