/* Answers that refuse with a text that users or their clients expect, whatever else of the reason
 * clients may read.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

/* As host->fail with `why`, but for the status and the body, which is kept as host->reply keeps it.
 * content_type empty: application/json where the body begins with "{", else text/plain. A gRPC call
 * gets what host->fail answers. Returns the head, for more headers; FILTER_REPLY follows. */
struct message *refusal_answer(struct filter_exchange *x, const struct fail_info *why,
                               struct slice detail, unsigned status, struct slice content_type,
                               struct slice body);

/* host->fail, with the challenge where `why` is a 401, which has to have one (RFC 9110 §15.5.2). */
enum filter_verdict refusal_challenge(struct filter_exchange *x, const struct fail_info *why,
                                      struct slice detail, struct slice challenge);
