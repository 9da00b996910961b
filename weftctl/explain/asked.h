/* A request that somebody asks about: `METHOD URL` and headers, taken apart as a data plane would
 * see it. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"
#include "lib/codec/http/message.h"

struct normalize_readings; /* lib/codec/http/normalize.h */

enum { ASKED_HEADERS_MAX = 64 };

struct asked_header {
    struct slice name, value; /* the name in lower case */
};

struct asked {
    struct slice method, scheme;
    struct slice host; /* lower case, without port and brackets */
    struct slice authority;
    uint16_t port;
    struct slice path;   /* in its canonical form; empty: it can be read in two ways */
    const struct normalize_readings *other_paths; /* what else it may mean; NULL: nothing */
    struct slice target;                          /* as it was given */
    struct asked_header headers[ASKED_HEADERS_MAX];
    size_t header_count;
};

/* Everything lives in the arena. False, and why: what was given is no HTTP request. */
bool asked_parse(struct asked *a, struct arena *arena, const char *method, const char *url,
                 const char **why);
/* "name: value". False: it is none, or there are too many. */
bool asked_add_header(struct asked *a, struct arena *arena, const char *line);
/* As it would come in; a Host header takes the place of the URL's. Views into `a`. */
struct message *asked_message(const struct asked *a, struct arena *arena);
