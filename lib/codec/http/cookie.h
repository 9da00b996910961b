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

typedef bool (*cookie_is_fn)(const struct cookie *c, const void *what);

/* Takes out of the head all that are; a field of which nothing is left goes too. */
void cookie_remove_if(struct headers *h, cookie_is_fn is, const void *what);
