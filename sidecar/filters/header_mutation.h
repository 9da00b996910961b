/* Gateway API RequestHeaderModifier and ResponseHeaderModifier.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/codec/http/message.h"
#include "filters/filter.h"

struct header_mutation_item {
    struct slice name; /* lower-case */
    struct slice value;
    uint16_t id; /* enum header_id */
};

/* Removed first, then set, then added: a header that is named twice ends up with what was written
 * for it. */
struct header_mutation {
    const struct header_mutation_item *remove, *set, *add;
    uint32_t remove_count, set_count, add_count;
    struct slice authority; /* requests: `host` was set; empty: not */
};

struct header_mutation_conf {
    struct header_mutation request, response;
};

/* has_odd_names: the request has headers that some server takes for others. */
void header_mutation_request(const struct header_mutation_conf *c, struct message *request,
                             bool has_odd_names);

extern const struct filter filter_header_mutation;
