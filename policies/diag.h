/* What is wrong with a document, and exactly where: for people, and for machines as JSON.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/list.h"
#include "lib/base/slice.h"

struct diag {
    struct list node;
    struct slice file;   /* as given */
    unsigned line;       /* from 1; 0: unknown */
    struct slice object; /* "HTTPRoute default/reviews"; empty: the file as a whole */
    struct slice path;   /* "spec.rules[0].matches[1].path.value" */
    struct slice text;   /* "must start with \"/\"" */
    bool is_warning;
};

struct diag_list {
    struct list items;
    struct arena arena;
    unsigned errors, warnings;
};

void diag_list_init(struct diag_list *d);
void diag_list_dispose(struct diag_list *d);
void diag_add(struct diag_list *d, const struct diag *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "file:line: HTTPRoute default/reviews: spec.rules[0]…: text" */
struct slice diag_format(struct diag_list *d, const struct diag *what);
