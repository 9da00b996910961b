/* Tokens in cases: what stands between << and >> is signed when the case runs.
 *   <<RS256 {"iss":"a"}>>                     a token with that payload
 *   <<RS256 {"alg":"RS256","kid":"k"} {…}>>   with that header and payload
 *   <<jwk RS256>>                             the key that such a token is checked with
 *   <<jwk RS256 "kid":"k">>                   with more members
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/buf.h"

#define FILTER_TOKENS_MAX 8

/* Those that a case has made. */
struct filter_tokens {
    struct slice made[FILTER_TOKENS_MAX];
    size_t count;
};

struct slice filter_tokens_fill(struct filter_tokens *t, struct arena *arena, struct slice text);
/* Rewrites what has come out: a token is written <token>. */
void filter_tokens_hide(const struct filter_tokens *t, struct arena *arena, struct buf *out);
