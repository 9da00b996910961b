/* JSON Web Signatures in their compact form (RFC 7515 §7.1): taking a token apart, and checking its
 * signature. Nothing of a token is to be believed before jws_check has said yes. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/jose/jwk.h"

#define JWS_TOKEN_MAX 8192u

struct jws {
    struct slice signed_text; /* header and payload, as they stand in the token */
    struct slice payload;     /* decoded */
    struct slice signature;
    enum signature_alg alg;   /* never SIGNATURE_NONE */
    struct slice kid;         /* NULL ptr: none */
};

enum jws_fault {
    JWS_OK,
    JWS_TOO_LONG,
    JWS_MALFORMED,       /* not three parts of Base64url with a header in JSON */
    JWS_UNSUPPORTED,     /* an algorithm that is not ours ("none" among them), crit, b64, zip */
    JWS_WRONG_TYPE,      /* typ or cty says that it is something else than a JWT */
    JWS_ALG_NOT_ALLOWED, /* jws_check alone from here on */
    JWS_NO_KEY,          /* no key of the set may check it */
    JWS_BAD_SIGNATURE,
};

/* "is not a JWS in its compact form": words that follow "the token ". Never NULL. */
const char *jws_fault_text(enum jws_fault fault);

/* What is decoded lies in the arena, the rest in the token. */
enum jws_fault jws_parse(struct slice token, struct arena *arena, struct jws *out);
/* algs: those that are allowed, JOSE_ALG_BIT of each. Where the token names no key at most
 * JWS_TRIES_MAX of those that fit are tried. */
#define JWS_TRIES_MAX 8
enum jws_fault jws_check(const struct jws *t, const struct jwk_set *keys, unsigned algs);
/* The same with one key, whatever kid says. */
enum jws_fault jws_check_key(const struct jws *t, const struct signature_key *key, unsigned algs);
