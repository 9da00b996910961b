/* What one resource was compiled into: an arena, and what must be given back with it. The owners
 * (cluster_part, routed_core, inbound_part) embed it and count references. Built on the control
 * thread, then immutable; disposed of on whichever thread lets go last.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/err.h"

#define PART_DETAIL_MAX 256

struct regex;
struct part_kept;

struct part {
    struct arena arena;
    struct part_kept *kept; /* what is given back with it */
};

/* Where a compiler writes to, and what it says when it cannot. */
struct part_build {
    struct part *part;
    struct slice resource; /* its name */
    char *detail;          /* [PART_DETAIL_MAX] */
};

void part_init(struct part *p);
void part_dispose(struct part *p);
/* Copies a text; NULL becomes the empty slice. */
struct slice part_text(struct part *p, const char *text);
/* The same, in lower case. */
struct slice part_text_lower(struct part *p, const char *text);
/* A zeroed array; NULL for none. */
void *part_array(struct part *p, size_t count, size_t size);
/* give_back(thing) is called when the part is disposed of. */
void part_keep(struct part *p, void *thing, void (*give_back)(void *thing));
/* The regex is destroyed with the part. */
MUST_USE enum err part_regex(const struct part_build *b, struct slice pattern, bool ignore_case,
                             const struct regex **out);
/* Writes "<resource>: <text>" and returns ERR_INVALID. */
MUST_USE enum err part_refuse(const struct part_build *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
