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

/* Answer here: from the table, with x-weft-reason and, when detail is not empty, that in the body
 * (kept, not copied; it must live in the exchange's arena or forever). Follow with return
 * FILTER_REPLY. */
void exchange_reply_fail(struct exchange *ex, enum fail fail, struct slice detail);
/* Answer here with a status and headers of one's own (a redirect, a preflight). Returns the head to
 * add to. */
struct message *exchange_reply(struct exchange *ex, unsigned status, struct slice body);
/* Its step runs again before the loop blocks. */
void exchange_wake(struct exchange *ex);
