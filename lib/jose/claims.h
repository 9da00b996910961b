/* The claims of a JSON Web Token (RFC 7519 §4): reading them, and whether it holds at a time. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/codec/doc/doc.h"

#define CLAIMS_NEVER INT64_MAX

struct claims {
    const struct doc *all; /* an object */
    struct slice issuer, subject; /* NULL ptr: none */
    int64_t expires_ms;    /* since 1970; CLAIMS_NEVER: it does not say */
    int64_t not_before_ms, issued_ms; /* INT64_MIN: likewise */
};

/* payload: decoded, and its signature is good. ERR_SYNTAX: not an object in JSON without doubled
 * members, or a registered claim is of the wrong type. */
MUST_USE enum err claims_parse(struct slice payload, struct arena *arena, struct claims *out);

/* A claim by its path: members separated by dots ("realm_access.roles"). A member whose name has
 * dots is found too ("https://example.com/roles"): the longest name wins. NULL: there is none. */
const struct doc *claims_find(const struct doc *claims, struct slice path);
/* "aud" (RFC 7519 §4.1.3): is any of the texts (struct slice) among them? */
bool claims_have_audience(const struct doc *claims, const struct slice *audiences, size_t count);
/* Is the text the claim, one of a list's items, or one of the words of a text? words: a text is
 * taken as words between spaces (RFC 8693 §4.2). Numbers and booleans by their JSON text. */
bool claims_value_has(const struct doc *claim, struct slice text, bool words);
/* As the value of a header field: a text as it is, numbers and booleans as JSON, a list joined by
 * commas, an object as JSON in Base64url. Empty: there is nothing that a field can carry (NULL,
 * control characters). */
struct slice claims_value_text(const struct doc *claim, struct arena *arena);
