/* Regular expressions over bytes (PCRE2 syntax), which must match the whole value. Matching is
 * bounded in steps and memory; running into a bound is an answer of its own, because it must
 * neither count as a match that allows nor as a non-match that lets a deny slip. A compiled
 * expression is immutable: any thread may match with it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

#define REGEX_PATTERN_MAX 1024u

struct regex;

enum regex_result { REGEX_NO, REGEX_YES, REGEX_ERROR };

struct regex_fault {
    size_t offset; /* into the pattern */
    char text[160];
};

/* ERR_SYNTAX, or ERR_LIMIT when the pattern is too long; *fault says why (may be NULL). */
MUST_USE enum err regex_create(struct slice pattern, bool ignore_case, struct regex **out,
                               struct regex_fault *fault);
/* As JSON Schema has them (ECMA-262, with the flag u): over UTF-8, and found anywhere in the
 * subject. */
MUST_USE enum err regex_create_ecma(struct slice pattern, struct regex **out,
                                    struct regex_fault *fault);
/* NULL is allowed. */
void regex_destroy(struct regex *r);
/* The subject need not be UTF-8. */
enum regex_result regex_match(const struct regex *r, struct slice subject);
