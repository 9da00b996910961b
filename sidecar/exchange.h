/* One request and its answer: what filters and the access log may see of it. The steps are in
 * exchange.c. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "filters/downstream.h"
#include "filters/fail.h"
#include "lib/base/addr.h"
#include "lib/base/arena.h"
#include "lib/codec/forwarded.h"
#include "lib/codec/message.h"
#include "lib/io/stream.h"
#include "sidecar/config/snapshot.h"

struct exchange;

struct arena *exchange_arena(struct exchange *ex);
/* The request as it will be sent on; filters may change it. */
struct message *exchange_request(struct exchange *ex);
/* It has headers whose names some server takes for others (lib/codec/header_fold.h). */
bool exchange_has_odd_names(const struct exchange *ex);
/* The response head; NULL before there is one. */
struct message *exchange_response(struct exchange *ex);
/* As the client sent it, before any filter. */
struct slice exchange_original_path(const struct exchange *ex);
/* The path for matching: percent-decoded once, dot segments resolved, slashes merged, `;params`
 * cut, without query; computed once. The empty slice: the path is ambiguous (encoded NUL, or dots
 * after decoding …) and nothing may match it: refuse with FAIL_BAD_REQUEST. */
struct slice exchange_match_path(struct exchange *ex);
/* What else the next hop may take the path for (lib/codec/normalize.h); NULL: nothing else. */
const struct normalize_readings *exchange_other_paths(const struct exchange *ex);
const struct downstream_info *exchange_downstream(const struct exchange *ex);
/* Whom the request is from, as far as those who say so are trusted. */
const struct forwarded *exchange_client(const struct exchange *ex);
const struct route_conf *exchange_route(const struct exchange *ex); /* NULL before routing */
const struct snapshot *exchange_snapshot(const struct exchange *ex);

/* Answer here: from the table, with x-weft-reason and, when detail is not empty, that in the body
 * (kept, not copied; it must live in the exchange's arena or forever). Follow with return
 * VERDICT_REPLY. */
void exchange_reply_fail(struct exchange *ex, enum fail fail, struct slice detail);
/* Answer here with a status and headers of one's own (a redirect, a preflight). Returns the head to
 * add to. */
struct message *exchange_reply(struct exchange *ex, unsigned status, struct slice body);
/* A filter that said VERDICT_WAIT has what it waited for. */
void exchange_wake(struct exchange *ex);
