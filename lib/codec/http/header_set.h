/* Names of headers that something decides by: the conditions of policies, the matches of routes.
 * Built on the control thread, then immutable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

struct header_set {
    struct slice *names;
    uint32_t count, capacity;
    bool is_odd; /* one of them holds more than letters, digits and hyphens */
};

/* name: lower-case, and lives as long as the arena. Once each. */
void header_set_add(struct header_set *s, struct arena *arena, struct slice name);
/* A header that a server behind us takes for one of the set though it is not: "x_role" for
 * "x-role". NULL: there is none. *meant: which one of the set. */
const struct header *header_set_find_disguise(const struct header_set *s, const struct headers *h,
                                              struct slice *meant);
/* Is a name one of the set, or taken for one? */
bool header_set_covers(const struct header_set *s, struct slice name);
