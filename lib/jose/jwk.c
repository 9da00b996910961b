/* Reading keys and sets of them. Pure. Must not know where they come from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jose/jwk.h"

#include <stdio.h>

#include "lib/codec/doc/doc_json.h"
#include "lib/codec/text/base64url.h"
#include "lib/jose/jose_alg.h"

struct reading {
    struct arena *arena;
    enum jwk_trust trust;
    const char *why;
};

static bool refuse(struct reading *r, const char *why)
{
    r->why = why;
    return false;
}

/* ---- one key ---- */

/* A member in Base64url. */
static bool take_bytes(struct reading *r, const struct doc *node, struct slice name,
                       struct slice *out)
{
    struct slice text = doc_string(doc_get(node, name));
    if (!text.len || base64url_decode(r->arena, text, out))
        return refuse(r, "lacks a number, or has one that is not Base64url");
    return true;
}

static bool take_rsa(struct reading *r, const struct doc *node, struct signature_key *to)
{
    struct slice n, e;
    return take_bytes(r, node, SLICE("n"), &n) && take_bytes(r, node, SLICE("e"), &e) &&
           !signature_key_rsa(r->arena, n, e, to, &r->why);
}

static bool take_ec(struct reading *r, const struct doc *node, struct signature_key *to)
{
    struct slice crv = doc_string(doc_get(node, SLICE("crv"))), x, y;
    enum signature_kind kind;
    if (slice_eq_cstr(crv, "P-256"))
        kind = SIGNATURE_KEY_P256;
    else if (slice_eq_cstr(crv, "P-384"))
        kind = SIGNATURE_KEY_P384;
    else if (slice_eq_cstr(crv, "P-521"))
        kind = SIGNATURE_KEY_P521;
    else
        return refuse(r, "is on a curve that is not P-256, P-384 or P-521");
    return take_bytes(r, node, SLICE("x"), &x) && take_bytes(r, node, SLICE("y"), &y) &&
           !signature_key_ecdsa(r->arena, kind, x, y, to, &r->why);
}

static bool take_okp(struct reading *r, const struct doc *node, struct signature_key *to)
{
    struct slice x;
    if (!slice_eq_cstr(doc_string(doc_get(node, SLICE("crv"))), "Ed25519"))
        return refuse(r, "is on a curve that is not Ed25519");
    return take_bytes(r, node, SLICE("x"), &x) &&
           !signature_key_ed25519(r->arena, x, to, &r->why);
}

static bool take_oct(struct reading *r, const struct doc *node, struct signature_key *to)
{
    struct slice k;
    if (r->trust != JWK_SECRET)
        return refuse(r, "is symmetric, in a set that is no secret");
    return take_bytes(r, node, SLICE("k"), &k) && !signature_key_hmac(r->arena, k, to, &r->why);
}

static bool take_kind(struct reading *r, const struct doc *node, struct signature_key *to)
{
    struct slice kty = doc_string(doc_get(node, SLICE("kty")));
    if (slice_eq_cstr(kty, "RSA"))
        return take_rsa(r, node, to);
    if (slice_eq_cstr(kty, "EC"))
        return take_ec(r, node, to);
    if (slice_eq_cstr(kty, "OKP"))
        return take_okp(r, node, to);
    if (slice_eq_cstr(kty, "oct"))
        return take_oct(r, node, to);
    return refuse(r, "has a kty that is not RSA, EC, OKP or oct");
}

/* use and key_ops (RFC 7517 §4.2, §4.3): what is not for signatures is not used for them. */
static bool is_for_signatures(struct reading *r, const struct doc *node)
{
    const struct doc *use = doc_get(node, SLICE("use")), *ops = doc_get(node, SLICE("key_ops"));
    if (use && !slice_eq_cstr(doc_string(use), "sig"))
        return refuse(r, "is not for signatures (use)");
    if (!ops)
        return true;
    for (size_t i = 0; ops->type == DOC_ARRAY && i < ops->count; i++)
        if (slice_eq_cstr(doc_string(ops->items[i]), "verify"))
            return true;
    return refuse(r, "is not for checking signatures (key_ops)");
}

static bool take_alg(struct reading *r, const struct doc *node, struct jwk *to)
{
    const struct doc *alg = doc_get(node, SLICE("alg"));
    to->alg = alg ? jose_alg_find(doc_string(alg)) : SIGNATURE_NONE;
    if (alg && !signature_fits(to->alg, to->key.kind))
        return refuse(r, "has an alg that does not fit its kind, or that is not known");
    /* RFC 7518 §3.2 */
    size_t least = signature_hash_size(alg ? to->alg : SIGNATURE_HMAC_SHA256);
    if (to->key.kind == SIGNATURE_KEY_HMAC && to->key.a.len < least)
        return refuse(r, "is a symmetric key that is shorter than the hash");
    return true;
}

static bool take_key(struct reading *r, const struct doc *node, struct jwk *to)
{
    const struct doc *kid = doc_get(node, SLICE("kid"));
    *to = (struct jwk){0};
    if (!node || node->type != DOC_OBJECT)
        return refuse(r, "is not an object");
    if (kid && kid->type != DOC_STRING)
        return refuse(r, "has a kid that is not a string");
    to->kid = doc_string(kid);
    return is_for_signatures(r, node) && take_kind(r, node, &to->key) && take_alg(r, node, to);
}

/* ---- sets ---- */

static enum err take_set(struct reading *r, const struct doc *const *nodes, size_t count,
                         struct jwk_set *out)
{
    struct jwk *items = arena_alloc(r->arena, (count ? count : 1) * sizeof(*items));
    out->items = items;
    for (size_t i = 0; i < count; i++) {
        if (take_key(r, nodes[i], &items[out->count])) {
            out->count++;
            continue;
        }
        out->unused++;
        snprintf(out->unused_why, JWK_WHY_MAX, "key %zu %s", i + 1, r->why);
    }
    return ERR_OK;
}

static enum err say(char why[JWK_WHY_MAX], enum err e, const char *text)
{
    snprintf(why, JWK_WHY_MAX, "%s", text);
    return e;
}

enum err jwk_set_parse(struct slice text, enum jwk_trust trust, struct arena *arena,
                       struct jwk_set *out, char why[JWK_WHY_MAX])
{
    struct reading r = {arena, trust, NULL};
    const struct doc *root, *keys;
    struct doc_error error;
    *out = (struct jwk_set){0};
    if (text.len > JWK_SET_TEXT_MAX)
        return say(why, ERR_LIMIT, "is larger than 1 MiB");
    if (doc_json_parse(text, arena, &root, &error))
        return say(why, ERR_SYNTAX, "is not JSON, or has a member twice");
    if (root->type == DOC_OBJECT && doc_get(root, SLICE("kty")))
        return take_set(&r, &root, 1, out);
    keys = doc_get(root, SLICE("keys"));
    if (!keys || keys->type != DOC_ARRAY)
        return say(why, ERR_SYNTAX, "is not an object with an array \"keys\"");
    if (keys->count > JWK_SET_MAX)
        return say(why, ERR_LIMIT, "has more than 100 keys");
    return take_set(&r, keys->items, keys->count, out);
}

bool jwk_fits(const struct jwk *k, enum signature_alg alg, struct slice kid)
{
    if (!signature_fits(alg, k->key.kind) || (k->alg != SIGNATURE_NONE && k->alg != alg))
        return false;
    /* RFC 7518 §3.2 also where the key does not say which hash it is for. */
    if (k->key.kind == SIGNATURE_KEY_HMAC && k->key.a.len < signature_hash_size(alg))
        return false;
    return !kid.ptr || !k->kid.ptr || slice_eq(kid, k->kid);
}
