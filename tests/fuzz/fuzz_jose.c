/* Fuzz target: any bytes as a token and as a set of keys, and as claims. What is read is within its
 * bounds; a token that is taken is made of just the characters that stand in it; and nothing is
 * ever good by a key that did not sign it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/codec/text/base64url.h"
#include "lib/jose/jose_alg.h"
#include "lib/jose/jws.h"
#include "lib/jose/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static const char known[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvR"
    "VEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void try_claims(struct slice text, struct arena *arena)
{
    struct claims t;
    if (claims_parse(text, arena, &t))
        return;
    demand(t.all->type == DOC_OBJECT);
    for (size_t i = 0; i < t.all->count; i++) {
        struct slice value = claims_value_text(claims_find(t.all, t.all->members[i].key), arena);
        for (size_t at = 0; at < value.len; at++)
            demand((unsigned char)value.ptr[at] >= 0x20 && value.ptr[at] != 0x7f);
    }
}

static void try_token(struct slice text, struct arena *arena)
{
    struct jws t;
    struct jwk_set keys;
    char why[JWK_WHY_MAX];
    if (jws_parse(text, arena, &t) != JWS_OK)
        return;
    demand(t.alg != SIGNATURE_NONE && text.len <= JWS_TOKEN_MAX);
    demand(slice_starts_with(text, t.signed_text));
    struct slice signature = base64url_encode(arena, t.signature);
    demand(text.len == t.signed_text.len + 1 + signature.len);
    demand(slice_ends_with(text, signature));
    demand(!jwk_set_parse(slice_from_cstr(known), JWK_PUBLIC_ONLY, arena, &keys, why));
    demand(keys.count == 1);
    (void)jws_check(&t, &keys, JOSE_ALGS_PUBLIC | JOSE_ALGS_HMAC);
    try_claims(t.payload, arena);
}

static void try_keys(struct slice text, struct arena *arena)
{
    struct jwk_set keys;
    char why[JWK_WHY_MAX];
    if (jwk_set_parse(text, JWK_PUBLIC_ONLY, arena, &keys, why))
        return;
    demand(keys.count + keys.unused <= JWK_SET_MAX);
    for (size_t i = 0; i < keys.count; i++)
        demand(keys.items[i].key.kind != SIGNATURE_KEY_HMAC && keys.items[i].key.a.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct slice text = slice_of(data, size);
    arena_init(&arena, 4096);
    try_token(text, &arena);
    try_keys(text, &arena);
    try_claims(text, &arena);
    arena_dispose(&arena);
    return 0;
}
