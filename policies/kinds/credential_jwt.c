/* jwt: whose tokens are the consumer's (their `iss`), and the key that they are signed with
 * (RFC 7518 §3.1). SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/credential.h"

static const char *const algorithms[] = {
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384",
    "PS512", "ES256", "ES384", "ES512", "EdDSA", NULL,
};

struct jwt {
    struct slice key;
    int algorithm;
    struct schema_ref *secret, *public_key;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct jwt, key, "key", STRING,
                 "What the claim of the tokens is that tells whose they are (iss, unless the "
                 "filter names another).",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024),
    SCHEMA_FIELD(struct jwt, algorithm, "algorithm", ENUM, "How they are signed.",
                 .choices = algorithms),
    SCHEMA_FIELD(struct jwt, secret, "secretRef", OBJECT,
                 "Where the shared secret is (HS256, HS384, HS512).", .object = &schema_ref_secret),
    SCHEMA_FIELD(struct jwt, public_key, "publicKeyRef", OBJECT,
                 "Where the public key is, in PEM (all other algorithms).",
                 .object = &schema_ref_config_map),
    {0},
};

static bool is_shared(int algorithm)
{
    return algorithms[algorithm][0] == 'H';
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct jwt *s = value;
    bool shared = is_shared(s->algorithm);
    if (shared && (!s->secret || s->public_key))
        schema_error(run, node, NULL, "needs secretRef, and no publicKeyRef, for %s",
                     algorithms[s->algorithm]);
    if (!shared && (!s->public_key || s->secret))
        schema_error(run, node, NULL, "needs publicKeyRef, and no secretRef, for %s",
                     algorithms[s->algorithm]);
}

static const struct schema_rule rules[] = {
    {"(!has(self.algorithm) || self.algorithm.startsWith('HS')) ? (has(self.secretRef) && "
     "!has(self.publicKeyRef)) : (has(self.publicKeyRef) && !has(self.secretRef))",
     "HS256, HS384 and HS512 go with secretRef, all others with publicKeyRef"},
    {0},
};

static const struct schema schema = {
    .name = "JWTCredential",
    .doc = "Tokens that are the consumer's.",
    .size = sizeof(struct jwt),
    .fields = fields,
    .check = check,
    .rules = rules,
};

static bool make(struct credential_build *b, const void *spec, struct credential_made *out)
{
    const struct jwt *s = spec;
    out->lookup = out->id = s->key;
    out->algorithm = slice_from_cstr(algorithms[s->algorithm]);
    if (is_shared(s->algorithm))
        return credential_take_secret(b, SCHEMA_REF_SECRET, s->secret, &out->secret);
    struct slice pem = b->resolve(b, SCHEMA_REF_CONFIG_MAP, s->public_key);
    if (!pem.ptr)
        return false;
    if (slice_find(pem, SLICE("-----BEGIN ")) == pem.len)
        return credential_refuse(b, "the value under %.*s is not a key in PEM",
                                 SLICE_ARG(s->public_key->key));
    if (slice_find(pem, SLICE("PRIVATE KEY-----")) < pem.len)
        return credential_refuse(b, "the value under %.*s is a private key",
                                 SLICE_ARG(s->public_key->key));
    out->secret = pem;
    return true;
}

const struct credential_kind credential_kind_jwt = {
    .doc = "Tokens of an issuer that is the consumer's (filter jwt).",
    .schema = &schema,
    .make = make,
};
