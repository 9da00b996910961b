/* Why a route does not match, for people: `weftctl explain` runs the matching of the data
 * plane with a trace. On the request path there is none (NULL).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "sidecar/config/snapshot.h"

struct match_trace {
    struct arena *arena; /* of all texts */
    /* Of the candidate under way: the first part that does not hold. Empty: none so far. */
    struct slice miss;
    /* Told of each candidate, in the order in which they are tried; miss is empty when it holds. */
    void (*on_route)(void *owner, const struct route_conf *r, struct slice miss);
    void *owner;
};

/* What of a route is looked at, in words: "path \"/a\", method GET". */
struct slice match_trace_describe_route(struct arena *arena, const struct route_conf *r);

/* Parts of a route that do not match. */
void match_trace_path(struct match_trace *t, const struct route_conf *r);
void match_trace_method(struct match_trace *t, const struct route_conf *r);
void match_trace_header(struct match_trace *t, const struct named_match *m);
void match_trace_claim(struct match_trace *t, const struct claim_match *m);
void match_trace_query(struct match_trace *t, const struct named_match *m);
