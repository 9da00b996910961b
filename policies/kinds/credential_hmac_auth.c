/* hmacAuth: a name and a secret that the consumer signs its requests with. Data planes need the
 * secret itself. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/credential.h"

struct hmac_auth {
    struct slice username;
    struct schema_ref secret;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct hmac_auth, username, "username", STRING,
                 "Name that the signature gives (keyId or username); the consumer's when left out.",
                 .min = 1, .max = 253),
    SCHEMA_FIELD(struct hmac_auth, secret, "secretRef", INLINE, "Where the secret is.",
                 .flags = SCHEMA_REQUIRED, .object = &schema_ref_secret),
    {0},
};

static const struct schema schema = {
    .name = "HMACAuthCredential",
    .doc = "A name and a secret to sign requests with.",
    .size = sizeof(struct hmac_auth),
    .fields = fields,
};

static bool make(struct credential_build *b, const void *spec, struct credential_made *out)
{
    const struct hmac_auth *s = spec;
    out->lookup = s->username.len ? s->username : b->username;
    out->id = out->lookup;
    return credential_take_secret(b, SCHEMA_REF_SECRET, &s->secret, &out->secret);
}

const struct credential_kind credential_kind_hmac_auth = {
    .doc = "A name and a secret that the consumer signs requests with (filter hmacAuth).",
    .schema = &schema,
    .make = make,
};
