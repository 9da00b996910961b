/* Tokens in their compact form, by RFC 7515 and what RFC 8725 asks of whoever checks them. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jose/jws.h"

#include "lib/codec/doc/doc_json.h"
#include "lib/codec/text/base64url.h"
#include "lib/jose/jose_alg.h"

const char *jws_fault_text(enum jws_fault fault)
{
    static const char *const texts[] = {
        [JWS_OK] = "is good",
        [JWS_TOO_LONG] = "is longer than 8192 bytes",
        [JWS_MALFORMED] = "is not a signed JWT",
        [JWS_UNSUPPORTED] = "is signed in a way that is not supported",
        [JWS_WRONG_TYPE] = "is of another type than JWT",
        [JWS_ALG_NOT_ALLOWED] = "is signed with an algorithm that is not allowed here",
        [JWS_NO_KEY] = "is signed with a key that is not known",
        [JWS_BAD_SIGNATURE] = "has a signature that is not good",
    };
    return texts[fault];
}

/* ---- the header ---- */

/* RFC 8725 §3.11: a token of another kind is not an access token. "application/" may be left out
 * (RFC 7515 §4.1.9). */
static bool is_jwt_type(const struct doc *typ)
{
    struct slice text = doc_string(typ), prefix = SLICE("application/");
    if (!typ)
        return true;
    if (slice_eq_nocase(slice_sub(text, 0, prefix.len), prefix))
        text = slice_sub(text, prefix.len, text.len);
    return slice_eq_nocase(text, SLICE("JWT")) || slice_eq_nocase(text, SLICE("at+jwt"));
}

static bool is_string_or_none(const struct doc *d)
{
    return !d || d->type == DOC_STRING;
}

/* Keys that a header brings itself (jwk, jku, x5c, x5u) are not looked at. */
static enum jws_fault take_header(const struct doc *header, struct jws *out)
{
    const struct doc *kid = doc_get(header, SLICE("kid"));
    if (header->type != DOC_OBJECT || !is_string_or_none(kid))
        return JWS_MALFORMED;
    out->alg = jose_alg_find(doc_string(doc_get(header, SLICE("alg"))));
    if (out->alg == SIGNATURE_NONE || doc_get(header, SLICE("crit")) ||
        doc_get(header, SLICE("b64")) || doc_get(header, SLICE("zip")))
        return JWS_UNSUPPORTED;
    if (!is_jwt_type(doc_get(header, SLICE("typ"))) || doc_get(header, SLICE("cty")))
        return JWS_WRONG_TYPE;
    out->kid = doc_string(kid);
    return JWS_OK;
}

/* ---- the whole ---- */

/* Three parts, none of them empty. */
static bool cut(struct slice token, struct slice parts[3])
{
    struct slice rest = token;
    for (int i = 0; i < 3; i++)
        if (!slice_split(&rest, '.', &parts[i]) || !parts[i].len)
            return false;
    return parts[2].ptr + parts[2].len == token.ptr + token.len;
}

enum jws_fault jws_parse(struct slice token, struct arena *arena, struct jws *out)
{
    struct slice parts[3], header;
    const struct doc *doc;
    struct doc_error error;
    *out = (struct jws){0};
    if (token.len > JWS_TOKEN_MAX)
        return JWS_TOO_LONG;
    if (!cut(token, parts) || base64url_decode(arena, parts[0], &header) ||
        base64url_decode(arena, parts[1], &out->payload) ||
        base64url_decode(arena, parts[2], &out->signature) ||
        doc_json_parse(header, arena, &doc, &error))
        return JWS_MALFORMED;
    out->signed_text = slice_sub(token, 0, parts[0].len + 1 + parts[1].len);
    return take_header(doc, out);
}

enum jws_fault jws_check_key(const struct jws *t, const struct signature_key *key, unsigned algs)
{
    if (!(algs & JOSE_ALG_BIT(t->alg)))
        return JWS_ALG_NOT_ALLOWED;
    if (!signature_fits(t->alg, key->kind))
        return JWS_NO_KEY;
    return signature_is_good(t->alg, key, t->signed_text, t->signature) ? JWS_OK
                                                                        : JWS_BAD_SIGNATURE;
}

enum jws_fault jws_check(const struct jws *t, const struct jwk_set *keys, unsigned algs)
{
    enum jws_fault fault = JWS_NO_KEY;
    unsigned tries = 0;
    if (!(algs & JOSE_ALG_BIT(t->alg)))
        return JWS_ALG_NOT_ALLOWED;
    for (size_t i = 0; i < keys->count && tries < JWS_TRIES_MAX; i++) {
        if (!jwk_fits(&keys->items[i], t->alg, t->kid))
            continue;
        tries++;
        fault = jws_check_key(t, &keys->items[i].key, algs);
        if (fault == JWS_OK)
            return JWS_OK;
    }
    return fault;
}
