/* Test cases kept as text beside the test: an input, words for the test, and what must come out. A
 * file holds any number of them: a line "### what is shown", the input, a line ">>> words", and
 * what must come out. With WEFT_CASES_UPDATE=1 in the environment what comes out is written back,
 * to be read and judged. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/slice.h"

struct cases_item {
    struct slice title, input, words;
};

/* Runs every case of tests/unit/policies/cases/<name> and fails the test when one differs, or when
 * there are fewer than `least`. run appends what comes out, ending with a line feed or empty. */
void cases_run(const char *name, size_t least,
               void (*run)(const struct cases_item *item, struct buf *out));
/* A file of that folder, NUL-terminated; mem_free it. */
char *cases_read(const char *name, size_t *len);
/* A text that the caller builds may be compared as a string. mem_free it. */
char *cases_text(struct buf *from);
