/* Whom a limit counts a request for: the key of its counter.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/rate/rate_spec.h"

/* Immutable. */
struct rate_part {
    enum rate_by type;
    struct slice name; /* of a header, in lower case; of a claim */
};

/* What users wrote; nothing: one part, `otherwise`. In the arena of the configuration. */
const struct rate_part *rate_key_parts(struct arena *arena, const struct schema_list *by,
                                       enum rate_by otherwise, unsigned *count);
/* " address and header". */
struct slice rate_key_describe(struct arena *arena, const struct rate_part *parts, unsigned count);

/* Of a client's address, in the arena: IPv6 without what one subscriber can choose. */
struct slice rate_key_ip(struct arena *arena, const struct addr *client, unsigned ipv6_prefix);
/* "ip:10.1.2.3"; "header:x-api-key=5:abcde,ip:10.1.2.3". Values have their lengths before them, so
 * that no two requests that differ have one key. In the exchange's arena. */
struct slice rate_key_of(struct filter_exchange *x, const struct rate_part *parts, unsigned count,
                         unsigned ipv6_prefix);
