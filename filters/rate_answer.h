/* What clients read of rate limits: headers of responses, and the body of a refusal.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/rate_ask.h"
#include "filters/rate_spec.h"

/* The one that clients should heed: one that refuses, else the one with the fewest units left, of
 * several the one that takes longest. count: from 1. */
const struct rate_ask *rate_answer_tightest(const struct rate_ask *asks, unsigned count);
/* names: what the limits are called, in the order of the asks. */
void rate_answer_headers(struct filter_exchange *x, enum rate_headers style,
                         const struct rate_ask *asks, const struct slice *names, unsigned count);
void rate_answer_retry_after(struct filter_exchange *x, const struct rate_ask *tightest);

/* Does the text hold only placeholders that there are? If not, *unknown is one. */
bool rate_answer_check(struct slice body, struct slice *unknown);
/* The text with its placeholders filled in, in the arena. */
struct slice rate_answer_body(struct arena *arena, struct slice body, const struct rate_ask *ask);
