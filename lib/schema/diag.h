/* What is wrong with a document, and exactly where: for people, and for machines as JSON. A list
 * belongs to whoever initialised it, and keeps copies of all it was told. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/list.h"
#include "lib/base/slice.h"

struct json_write;

struct diag {
    struct list node;
    struct slice file;   /* as given */
    unsigned line;       /* from 1; 0: unknown */
    struct slice object; /* "HTTPRoute default/reviews"; empty: the file as a whole */
    struct slice path;   /* "spec.rules[0].matches[1].path.value" */
    struct slice text;   /* "must start with \"/\"" */
    unsigned finding;    /* which kind of thing it is; 0: nothing that has a number */
    bool is_warning;
    bool is_note; /* neither an error nor a warning: true, and nothing need be done */
};

/* At most 1000 items are kept; the counts go on. */
struct diag_list {
    struct list items;
    struct arena arena;
    unsigned errors, warnings, notes;
};

void diag_list_init(struct diag_list *d);
/* Empties it; it can be used again. */
void diag_list_dispose(struct diag_list *d);
/* what: where and how bad (its text and node are ignored); the format makes the text. */
void diag_add(struct diag_list *d, const struct diag *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "file:line: HTTPRoute default/reviews: spec.rules[0]…: text"; lives in the list's arena. */
struct slice diag_format(struct diag_list *d, const struct diag *what);
/* An array of {severity, file, line, object, path, text}. */
void diag_write_json(const struct diag_list *d, struct json_write *to);
