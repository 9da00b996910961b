/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/consumer_world.h"

#include <stdio.h>

#include "filters/caller/consumer.h"
#include "lib/tls/digest.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

/* Of RFC 7515: the secret of A.1, and the public key of A.3. */
#define SHARED_SECRET                                                                     \
    TEXT("\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f\x5a\xb3\x28\xe6" \
         "\xf0\x54\xc9\x28\xa9\x0f\x84\xb2\xd2\x50\x2e\xbf\xd3\xfb\x5a\x92\xd2\x06\x47\xef" \
         "\x96\x8a\xb4\xc3\x77\x62\x3d\x22\x3d\x2e\x21\x72\x05\x2e\x4f\x08\xc0\xcd\x9a\xf5" \
         "\x67\xd0\x80\xa3")
#define PUBLIC_KEY                                                                      \
    TEXT("-----BEGIN PUBLIC KEY-----\n"                                                 \
         "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"           \
         "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"               \
         "-----END PUBLIC KEY-----\n")

#define TEXT(literal) {"" literal, sizeof(literal) - 1}

static const struct slice gold[] = {TEXT("gold"), TEXT("partners")};
static const struct slice guests[] = {TEXT("guests")};
static uint8_t keys[3][DIGEST_SIZE];

static struct consumer ann, bob, anonymous, eve;

static struct consumer_credential of_ann[] = {
    {.consumer = &ann, .type = CREDENTIAL_KEY_AUTH, .id = TEXT("ann-key/key")},
    {.consumer = &ann,
     .type = CREDENTIAL_HMAC_AUTH,
     .lookup = TEXT("ann"),
     .secret = TEXT("ann-secret"),
     .id = TEXT("ann")},
    {.consumer = &ann,
     .type = CREDENTIAL_AWS_SIGV4_AUTH,
     .lookup = TEXT("AKIDEXAMPLE"),
     .secret = TEXT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
     .id = TEXT("AKIDEXAMPLE")},
    {.consumer = &ann,
     .type = CREDENTIAL_AWS_SIGV4_AUTH,
     .lookup = TEXT("AKIAIOSFODNN7EXAMPLE"),
     .secret = TEXT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
     .id = TEXT("AKIAIOSFODNN7EXAMPLE")},
    {.consumer = &ann,
     .type = CREDENTIAL_JWT,
     .lookup = TEXT("ann-app"),
     .secret = SHARED_SECRET,
     .algorithm = TEXT("HS256"),
     .id = TEXT("ann-app")},
    {.consumer = &ann,
     .type = CREDENTIAL_MTLS_AUTH,
     .lookup = TEXT("ann.test"),
     .id = TEXT("ann.test")},
    {.consumer = &ann,
     .type = CREDENTIAL_BASIC_AUTH,
     .lookup = TEXT("ann-sha512"),
     .secret = TEXT("$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI"
                     "FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"),
     .id = TEXT("ann-sha512")},
    {.consumer = &ann,
     .type = CREDENTIAL_BASIC_AUTH,
     .lookup = TEXT("ann-bcrypt"),
     .secret = TEXT("$2b$04$abcdefghijklmnopqrstuuyeG8laUfZvsCmc.AE6qIDYSPGM2efmK"),
     .id = TEXT("ann-bcrypt")},
    {.consumer = &ann,
     .type = CREDENTIAL_BASIC_AUTH,
     .lookup = TEXT("ann-argon2"),
     .secret = TEXT("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$4J/ySmqAcybdC7SLPJUO"
                     "ne+7qm75u5yW"),
     .id = TEXT("ann-argon2")},
    {.consumer = &ann, .type = CREDENTIAL_BASIC_AUTH, .lookup = TEXT("ann"), .id = TEXT("ann")},
};
static struct consumer_credential of_bob[] = {
    {.consumer = &bob, .type = CREDENTIAL_KEY_AUTH, .id = TEXT("bob/key")},
    {.consumer = &bob,
     .type = CREDENTIAL_JWT,
     .lookup = TEXT("bob-app"),
     .secret = PUBLIC_KEY,
     .algorithm = TEXT("ES256"),
     .id = TEXT("bob-app")},
};
static struct consumer_credential of_eve[] = {
    {.consumer = &eve, .type = CREDENTIAL_KEY_AUTH, .id = TEXT("eve/key")},
    {.consumer = &eve,
     .type = CREDENTIAL_BASIC_AUTH,
     .lookup = TEXT("eve"),
     .secret = TEXT("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
     .id = TEXT("eve")},
    {.consumer = &eve,
     .type = CREDENTIAL_JWT,
     .lookup = TEXT("eve-app"),
     .secret = SHARED_SECRET,
     .algorithm = TEXT("HS256"),
     .id = TEXT("eve-app")},
};

#define COUNT(array) (uint32_t)(sizeof(array) / sizeof((array)[0]))

static struct consumer ann = {
    .id = TEXT("shop/ann"),
    .username = TEXT("Ann Smith"),
    .custom_id = TEXT("4711"),
    .groups = gold,
    .group_count = COUNT(gold),
    .credentials = of_ann,
    .credential_count = COUNT(of_ann),
};
static struct consumer bob = {
    .id = TEXT("shop/bob"),
    .username = TEXT("bob"),
    .credentials = of_bob,
    .credential_count = COUNT(of_bob),
};
static struct consumer anonymous = {
    .id = TEXT("shop/anonymous"),
    .username = TEXT("anonymous"),
    .groups = guests,
    .group_count = COUNT(guests),
};
static struct consumer eve = {
    .id = TEXT("bank/eve"),
    .username = TEXT("eve"),
    .credentials = of_eve,
    .credential_count = COUNT(of_eve),
};

static void set_key(struct consumer_credential *c, unsigned i, struct slice key)
{
    digest_sha256(key, keys[i]);
    c->lookup = slice_of(keys[i], DIGEST_SIZE);
}

/* As policyd writes it: SHA-256 of salt, "$" and password. */
static void set_password(struct consumer_credential *c, struct slice salted)
{
    static char text[128];
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_MAX];
    digest_sha256(salted, digest);
    int len = snprintf(text, sizeof text, "$weft$salt$%s", digest_hex(digest, hex));
    c->secret = slice_of(text, (size_t)len);
}

struct consumer_directory *consumer_world_create(void)
{
    static const struct consumer *const all[] = {&ann, &bob, &anonymous, &eve};
    set_key(&of_ann[0], 0, SLICE("ann-key"));
    set_key(&of_bob[0], 1, SLICE("bob key+1"));
    set_password(&of_ann[COUNT(of_ann) - 1], SLICE("salt$ann-pw"));
    set_key(&of_eve[0], 2, SLICE("eve-key"));
    return consumer_directory_create(all, COUNT(all));
}
