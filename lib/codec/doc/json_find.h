/* Is a text JSON, and where in it is what a path leads to? Answered in one pass over the text and
 * in as many pieces as the caller likes, without a tree: nothing is allocated, and what is found is
 * a view of the text. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/json_path.h"
#include "lib/codec/doc/json_scan.h"

enum json_find_state {
    JSON_FIND_MORE,    /* the budget is used up: ask again */
    JSON_FIND_FOUND,   /* JSON, and there it is */
    JSON_FIND_NOTHING, /* JSON, but the path leads nowhere */
    JSON_FIND_INVALID, /* not JSON (RFC 8259), not UTF-8, or nested too deeply */
};

struct json_find {
    struct slice text;
    const struct json_path *path; /* without [*] */
    struct json_scan scan;
    size_t checked;      /* bytes that are UTF-8 */
    const char *at;      /* what is scanned next */
    const char *key;     /* the member's, with its quote */
    uint32_t matched;    /* steps of the path that lead to the container we are in */
    size_t index;        /* in the array of that level */
    bool is_wanted;      /* the value that comes is the step's */
    bool is_begun;       /* the outermost value has been */
    bool is_inside;      /* what is looked for has begun and is not over */
    bool is_settled;     /* it was found, or cannot be any more */
    const char *begin, *end; /* of what was found; NULL: not yet */
};

/* path NULL or empty: the whole text. Both must live as long. */
void json_find_init(struct json_find *f, struct slice text, const struct json_path *path);
/* Looks at about that many bytes more. Of members of one name the first counts. */
enum json_find_state json_find_run(struct json_find *f, size_t budget, struct slice *found);
