/* Signed tokens, good and bad, for tests. What signs is what RFC 7515 publishes: the secret of A.1,
 * the RSA key of A.2, the P-256 key of A.3; keys of other curves are made on the spot. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/jose/jws.h"

/* A token with that header and payload, whatever they say, signed by the algorithm (not Ed25519).
 * Signatures by RSA (not PSS) and HMAC are always the same. */
struct slice token_make(struct arena *arena, enum signature_alg alg, struct slice header,
                        struct slice payload);
/* The header {"alg":...}. */
struct slice token_plain(struct arena *arena, enum signature_alg alg, struct slice payload);
/* The JWK that such a token is checked with, with more members ("\"kid\":\"a\""; may be empty). */
struct slice token_jwk(struct arena *arena, enum signature_alg alg, struct slice more);
