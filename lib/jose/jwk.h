/* JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2) for checking signatures. A key of a set that
 * cannot be used is left out, as RFC 7517 §5 says, and so is one that is too weak. Pure; what is
 * read is immutable, and lives in the arena.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/tls/signature.h"

#define JWK_SET_TEXT_MAX (1u << 20)
#define JWK_SET_MAX 100u /* keys */
#define JWK_WHY_MAX 160

struct jwk {
    struct slice kid;       /* NULL ptr: none */
    enum signature_alg alg; /* that alone it is for; SIGNATURE_NONE: all that its kind fits */
    struct signature_key key;
};

struct jwk_set {
    const struct jwk *items;
    size_t count;
    size_t unused; /* that were left out */
    /* Why the last of these was: "key 2 is an RSA key of less than 2048 bits". */
    char unused_why[JWK_WHY_MAX];
};

/* Which keys may be in it. */
enum jwk_trust {
    JWK_PUBLIC_ONLY, /* the text is no secret: a symmetric key in it would let everybody sign */
    JWK_SECRET,      /* nobody else reads it: symmetric keys as well */
};

/* {"keys": [...]}, or a single key. A set without a key of use is good. ERR_SYNTAX or ERR_LIMIT
 * with the reason. */
MUST_USE enum err jwk_set_parse(struct slice text, enum jwk_trust trust, struct arena *arena,
                                struct jwk_set *out, char why[JWK_WHY_MAX]);
/* May a signature of that algorithm, whose header names kid (NULL ptr: none), be checked with it? A
 * key without a name fits every name. */
bool jwk_fits(const struct jwk *k, enum signature_alg alg, struct slice kid);
