/* What clients read of rate limits: headers of responses, and the body of a refusal.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/rate/rate_ask.h"
#include "filters/rate/rate_spec.h"

/* The one that clients should heed: one that refuses, else the one with the fewest units left, of
 * several the one that takes longest. count: from 1. */
const struct rate_ask *rate_answer_tightest(const struct rate_ask *asks, unsigned count);
/* names: what the limits are called, in the order of the asks. */
void rate_answer_headers(struct filter_exchange *x, enum rate_headers style,
                         const struct rate_ask *asks, const struct slice *names, unsigned count);
void rate_answer_retry_after(struct filter_exchange *x, const struct rate_ask *tightest);

/* ---- the whole refusal ---- */

struct rate_refusal {
    unsigned status;
    struct slice content_type, body;
};

/* Control thread, in prepare. */
MUST_USE enum err rate_answer_prepare(const struct filter_build *b,
                                      const struct rate_refusal_spec *spec,
                                      struct rate_refusal *out);
/* Answers with it; calls of gRPC with `why` alone. detail: which limit it was, for the log. Follow
 * with FILTER_REPLY. */
void rate_answer_refuse(struct filter_exchange *x, const struct rate_refusal *r,
                        const struct fail_info *why, struct slice detail,
                        const struct rate_ask *tightest);
