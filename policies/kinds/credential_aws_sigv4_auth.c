/* awsSigV4Auth: an access key, which the consumer signs its requests with. Data planes need the
 * secret itself. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/credential.h"

struct aws_sigv4_auth {
    struct slice key_id;
    struct schema_ref secret;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct aws_sigv4_auth, key_id, "accessKeyId", STRING,
                 "The access key's id; the consumer's name when left out.", .min = 1, .max = 128),
    SCHEMA_FIELD(struct aws_sigv4_auth, secret, "secretAccessKeyRef", INLINE,
                 "Where the access key's secret is.", .flags = SCHEMA_REQUIRED,
                 .object = &schema_ref_secret),
    {0},
};

static const struct schema schema = {
    .name = "AWSSigV4AuthCredential",
    .doc = "An access key to sign requests with.",
    .size = sizeof(struct aws_sigv4_auth),
    .fields = fields,
};

static bool make(struct credential_build *b, const void *spec, struct credential_made *out)
{
    const struct aws_sigv4_auth *s = spec;
    out->lookup = s->key_id.len ? s->key_id : b->username;
    out->id = out->lookup;
    return credential_take_secret(b, SCHEMA_REF_SECRET, &s->secret, &out->secret);
}

const struct credential_kind credential_kind_aws_sigv4_auth = {
    .doc = "An access key that the consumer signs requests with as those to AWS (filter "
           "awsSigV4Auth).",
    .schema = &schema,
    .make = make,
};
