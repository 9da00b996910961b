/* The cookies of a request: "a=b; c=d" (RFC 6265 §4.2.1). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

struct cookie {
    struct slice name;
    struct slice value; /* without the quotes around it */
};

/* Takes the first off *rest, the value of a field; what has no '=' is a value without a name
 * (RFC 6265bis §5.6). False: there are no more. */
bool cookie_next(struct slice *rest, struct cookie *out);

/* Goes through the cookies of all fields. */
struct cookie_walk {
    const struct headers *headers;
    uint32_t next;     /* field */
    struct slice rest; /* of the one before */
};

static inline struct cookie_walk cookie_walk_of(const struct headers *h)
{
    return (struct cookie_walk){.headers = h};
}
/* False: there are no more. */
bool cookie_walk_next(struct cookie_walk *w, struct cookie *out);

typedef bool (*cookie_is_fn)(const struct cookie *c, const void *what);

/* Takes out of the head all that are; a field of which nothing is left goes too. */
void cookie_remove_if(struct headers *h, cookie_is_fn is, const void *what);
