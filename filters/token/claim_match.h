/* Patterns against a claim of a token, for policies and for routes. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"
#include "lib/codec/http/match.h"

/* A claim by the names of the members that lead to it, from the outermost on. */
struct claim_path {
    const struct slice *names;
    uint32_t count;
};

/* claims: the payload, an object; may be NULL. NULL: it is not there. */
const struct doc *claim_match_find(const struct doc *claims, const struct claim_path *path);
/* Is its text a list of words (RFC 8693 §4.2: scope), each of which counts? */
bool claim_match_has_words(const struct claim_path *path);
/* A list's items, a text's words, or the value itself against each pattern: one that fits is
 * enough. claim: may be NULL. */
enum truth claim_match_any(const struct string_match *patterns, uint32_t count,
                           const struct doc *claim, bool has_words);
