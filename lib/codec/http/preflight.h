/* A CORS preflight: an OPTIONS request by which a browser announces another one and asks whether it
 * may send it (Fetch, "CORS-preflight request"). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/codec/http/message.h"

struct preflight {
    struct slice origin, method; /* of the request that is announced */
    const struct headers *head;  /* of the preflight */
};

/* False: it is none. */
bool preflight_read(struct preflight *p, const struct message *request);
/* Can the request that is announced have this header (lower-case) with a value that the preflight
 * does not show? True for names that it lists, and for those that browsers send without listing
 * them. */
bool preflight_announces(const struct preflight *p, struct slice name);
