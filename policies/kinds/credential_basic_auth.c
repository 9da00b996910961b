/* basicAuth: a user name and a password (RFC 7617). Data planes never get the password: one that is
 * given as it is leaves as a salted hash. That one is quick to compute, and so to guess by whoever
 * reads a data plane's memory; passwords that people choose should be given as a slow hash.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/digest.h"
#include "lib/tls/password.h"
#include "policies/kinds/credential.h"

struct basic_auth {
    struct slice username;
    struct schema_ref *password, *hash;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct basic_auth, username, "username", STRING,
                 "Name to sign in with, without a colon; the consumer's when left out.", .min = 1,
                 .max = 253),
    SCHEMA_FIELD(struct basic_auth, password, "passwordRef", OBJECT,
                 "Where the password is, as it is.", .object = &schema_ref_secret),
    SCHEMA_FIELD(struct basic_auth, hash, "hashRef", OBJECT,
                 "Where a hash of the password is, as crypt(3), htpasswd or argon2 write it: "
                 "bcrypt, yescrypt, SHA-512, SHA-256 or Argon2.",
                 .object = &schema_ref_secret),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct basic_auth *s = value;
    if (!s->password == !s->hash)
        schema_error(run, node, NULL, "must have either passwordRef or hashRef");
    if (s->username.len && memchr(s->username.ptr, ':', s->username.len))
        schema_error(run, node, "username", "must not have a colon, which ends it");
}

static const struct schema_rule rules[] = {
    {"has(self.passwordRef) != has(self.hashRef)", "must have either passwordRef or hashRef"},
    {"!has(self.username) || !self.username.contains(':')",
     "username must not have a colon, which ends it"},
    {0},
};

static const struct schema schema = {
    .name = "BasicAuthCredential",
    .doc = "A user name and a password.",
    .size = sizeof(struct basic_auth),
    .fields = fields,
    .check = check,
    .rules = rules,
};

/* "$weft$<salt>$<hex>": SHA-256 of salt, "$" and password. The salt is the consumer's own, so that
 * the same configuration comes out the same each time. */
static struct slice hash_password(struct credential_build *b, struct slice password)
{
    uint8_t digest[DIGEST_SIZE];
    char salt[DIGEST_HEX_MAX], hex[DIGEST_HEX_MAX];
    struct slice name = arena_printf(b->arena, "weft basicAuth %.*s", SLICE_ARG(b->consumer));
    digest_sha256(name, digest);
    digest_hex(digest, salt);
    char *salted = arena_alloc(b->arena, DIGEST_HEX_MAX + password.len);
    memcpy(salted, salt, DIGEST_HEX_MAX - 1);
    salted[DIGEST_HEX_MAX - 1] = '$';
    memcpy(salted + DIGEST_HEX_MAX, password.ptr, password.len);
    digest_sha256(slice_of(salted, DIGEST_HEX_MAX + password.len), digest);
    digest_wipe(salted, DIGEST_HEX_MAX + password.len);
    return arena_printf(b->arena, "$weft$%s$%s", salt, digest_hex(digest, hex));
}

static bool make(struct credential_build *b, const void *spec, struct credential_made *out)
{
    const struct basic_auth *s = spec;
    struct slice value;
    out->lookup = s->username.len ? s->username : b->username;
    out->id = out->lookup;
    if (memchr(out->lookup.ptr, ':', out->lookup.len))
        return credential_refuse(b, "a name to sign in with must not have a colon");
    if (!credential_take_secret(b, SCHEMA_REF_SECRET, s->hash ? s->hash : s->password, &value))
        return false;
    if (s->password && value.len > PASSWORD_MAX)
        return credential_refuse(b, "the password has more than %d bytes", PASSWORD_MAX);
    if (s->hash && !password_hash_is_known(value))
        return credential_refuse(b, "the value under %.*s is no hash that is known: it begins with "
                                    "$2b$, $y$, $6$, $5$ or $argon2",
                                 SLICE_ARG(s->hash->key));
    out->secret = s->hash ? value : hash_password(b, value);
    return true;
}

const struct credential_kind credential_kind_basic_auth = {
    .doc = "A user name and a password (filter basicAuth).",
    .schema = &schema,
    .make = make,
};
