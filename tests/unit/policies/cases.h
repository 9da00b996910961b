/* Test cases kept as text beside the test: an input, words for the test, and what must come out. A
 * file holds any number of them: a line "### what is shown", the input, a line ">>> words", and
 * what must come out. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

struct cases_item {
    struct slice title, input, words;
};

/* What comes out can be written back, to be read and judged: WEFT_CASES_UPDATE in the environment
 * names the cases by title, or by file and title, with the wildcards of fnmatch(3): "a route*",
 * "status_routes: a route*". Each that is written back is printed, and the test fails all the same,
 * so that nobody takes it for a run that passed. Cases that are different and not named fail as
 * ever; a pattern that names no title, or more than CASES_UPDATE_MAX that are different, writes
 * nothing. */
#define CASES_UPDATE_MAX 10

/* The pattern is for that case. */
bool cases_is_named(const char *pattern, const char *file, struct slice title);
/* Runs every case of tests/unit/policies/cases/<name> (of tests/unit/<name>, where it has a '/')
 * and fails the test when one differs, or when there are fewer than `least`. run appends what comes
 * out, ending with a line feed or empty. */
void cases_run(const char *name, size_t least,
               void (*run)(const struct cases_item *item, struct buf *out));
/* A file of that folder, NUL-terminated; mem_free it. */
char *cases_read(const char *name, size_t *len);
/* A text that the caller builds may be compared as a string. mem_free it. */
char *cases_text(struct buf *from);
