/* Texts with values of the request in them: $(headers.x-user), $(query.page // '1'), $(claims.sub).
 * Compiled when the configuration is made; rendering takes nothing but the exchange's arena.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

/* What a value must not break out of. */
enum template_use {
    TEMPLATE_HEADER, /* a value that may not stand in a header counts as missing */
    TEMPLATE_PATH,   /* values are percent-encoded, '/' too; $(path) is not */
    TEMPLATE_JSON, /* inside a string */
    TEMPLATE_HTML,
    TEMPLATE_PLAIN,
};

struct template_part;

/* Immutable. */
struct template {
    const struct template_part *parts;
    uint32_t count;
};

#define TEMPLATE_DOC                                                                             \
    "$(headers.NAME), $(query.NAME), $(method), $(host), $(path), $(path[N]) (a segment, from "   \
    "0), $(claims.NAME), $(consumer.id), $(consumer.username), $(consumer.customId), "            \
    "$(clientIP), $(requestID) and $(route) stand for values of the request; $(headers.x // "     \
    "'none') has a default; $$( stands for $( itself."

/* The text is kept. NULL, or what is wrong with it, in the arena. */
MUST_USE const char *template_compile(struct arena *a, struct slice text, bool is_response,
                                      struct template *out);
/* False: it has nothing but values, none of which is there. */
bool template_render(const struct template *t, struct filter_exchange *x, enum template_use use,
                     struct slice *out);
/* None of its values is missing or empty, but for those that have a default. */
bool template_is_complete(const struct template *t, struct filter_exchange *x);
