/* What a response says that its request cost: in a header, or in a field of its JSON body or of the
 * events of a stream. The body goes on to the client as it comes; what is read of it is shared and
 * not copied until it has ended.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

#define RATE_COST_BODY_MAX (256u * 1024)

/* All zero: nothing was read yet. */
struct rate_cost_reader {
    struct buf seen;
    struct slice whole; /* in the exchange's arena, once it was looked for something in */
    bool is_begun, is_ended;
    bool is_events; /* of a stream the end is enough: earlier ones are dropped */
    bool is_unreadable;
};

/* A number that a header says, at most UINT32_MAX; false: it says none. */
bool rate_cost_parse(struct slice text, uint32_t *cost);
void rate_cost_read(struct rate_cost_reader *r, const struct message *response,
                    const struct buf *body);
/* At the end of the body. field: a path as doc_find has them. False: there is no such number. */
bool rate_cost_find(struct rate_cost_reader *r, struct arena *arena, const char *field,
                    uint32_t *cost);
void rate_cost_dispose(struct rate_cost_reader *r);
