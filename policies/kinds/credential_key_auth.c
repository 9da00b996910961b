/* keyAuth: a key that the client sends in a header or the query. Data planes get its SHA-256 alone:
 * keys are long and random, and one that is found by its hash is compared in no time that depends
 * on it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/digest.h"
#include "policies/kinds/credential.h"

enum { KEY_MAX = 4096 };

struct key_auth {
    struct schema_ref secret;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct key_auth, secret, "secretRef", INLINE, "Where the key is.",
                 .flags = SCHEMA_REQUIRED, .object = &schema_ref_secret),
    {0},
};

static const struct schema schema = {
    .name = "KeyAuthCredential",
    .doc = "A key that the consumer sends.",
    .size = sizeof(struct key_auth),
    .fields = fields,
};

static bool make(struct credential_build *b, const void *spec, struct credential_made *out)
{
    const struct key_auth *s = spec;
    struct slice key;
    if (!credential_take_secret(b, SCHEMA_REF_SECRET, &s->secret, &key))
        return false;
    if (key.len > KEY_MAX)
        return credential_refuse(b, "the key has more than %d bytes", KEY_MAX);
    uint8_t *digest = arena_alloc(b->arena, DIGEST_SIZE);
    digest_sha256(key, digest);
    out->lookup = slice_of(digest, DIGEST_SIZE);
    out->id = credential_name_of_ref(b, &s->secret);
    return true;
}

const struct credential_kind credential_kind_key_auth = {
    .doc = "A key that the consumer sends in a header or the query (filter keyAuth).",
    .schema = &schema,
    .make = make,
};
