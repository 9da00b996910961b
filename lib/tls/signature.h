/* Signatures over texts, checked with bare keys, as tokens carry them: RSA (PKCS #1 v1.5 and PSS,
 * RFC 8017), ECDSA with r and s as plain numbers, Ed25519, and HMAC. A key is bytes and immutable;
 * any thread may use it. Which algorithm a key may be used with is decided by its kind, never by
 * what the text says. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

enum signature_alg {
    SIGNATURE_NONE, /* no algorithm: nothing is ever good by it */
    SIGNATURE_HMAC_SHA256,
    SIGNATURE_HMAC_SHA384,
    SIGNATURE_HMAC_SHA512,
    SIGNATURE_RSA_SHA256, /* PKCS #1 v1.5 */
    SIGNATURE_RSA_SHA384,
    SIGNATURE_RSA_SHA512,
    SIGNATURE_PSS_SHA256, /* the salt as long as the hash, MGF1 with the same hash */
    SIGNATURE_PSS_SHA384,
    SIGNATURE_PSS_SHA512,
    SIGNATURE_P256_SHA256,
    SIGNATURE_P384_SHA384,
    SIGNATURE_P521_SHA512,
    SIGNATURE_ED25519,
    SIGNATURE_ALG_COUNT,
};

enum signature_kind {
    SIGNATURE_KEY_HMAC,
    SIGNATURE_KEY_RSA,
    SIGNATURE_KEY_P256,
    SIGNATURE_KEY_P384,
    SIGNATURE_KEY_P521,
    SIGNATURE_KEY_ED25519,
};

struct signature_key {
    enum signature_kind kind;
    struct slice a, b; /* RSA: modulus, exponent; ECDSA: x, y; else the key, and nothing */
};

/* ---- keys, from unsigned big-endian numbers: copied into the arena, and checked. ERR_INVALID with
 * a constant sentence in *why ("is an RSA key of less than 2048 bits") ---- */

/* 2048 to 4096 bits, with an odd exponent of at most 32 bits. */
MUST_USE enum err signature_key_rsa(struct arena *arena, struct slice modulus,
                                    struct slice exponent, struct signature_key *out,
                                    const char **why);
/* kind: one of the curves; x and y are exactly as long as its field, and a point of it. */
MUST_USE enum err signature_key_ecdsa(struct arena *arena, enum signature_kind kind, struct slice x,
                                      struct slice y, struct signature_key *out, const char **why);
MUST_USE enum err signature_key_ed25519(struct arena *arena, struct slice public_key,
                                        struct signature_key *out, const char **why);
/* How long it should be is the caller's to say; empty is refused. */
MUST_USE enum err signature_key_hmac(struct arena *arena, struct slice secret,
                                     struct signature_key *out, const char **why);
/* A PEM "PUBLIC KEY" (SubjectPublicKeyInfo): RSA, ECDSA or Ed25519. */
MUST_USE enum err signature_key_pem(struct arena *arena, struct slice pem,
                                    struct signature_key *out, const char **why);

/* May keys of that kind be used with it? */
bool signature_fits(enum signature_alg alg, enum signature_kind kind);
/* Bytes of the algorithm's hash. */
size_t signature_hash_size(enum signature_alg alg);
/* Hashes the text as the algorithm does; returns how many bytes of out that are. 0: it has none. */
#define SIGNATURE_HASH_MAX 64
size_t signature_hash(enum signature_alg alg, struct slice text, uint8_t out[SIGNATURE_HASH_MAX]);
/* False as well when alg and key do not fit. HMACs are compared in constant time. */
bool signature_is_good(enum signature_alg alg, const struct signature_key *key, struct slice text,
                       struct slice signature);
