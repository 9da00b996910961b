/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/consumer_world.h"

#include "lib/tls/digest.h"

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
     .type = CREDENTIAL_MTLS_AUTH,
     .lookup = TEXT("ann.test"),
     .id = TEXT("ann.test")},
};
static struct consumer_credential of_bob[] = {
    {.consumer = &bob, .type = CREDENTIAL_KEY_AUTH, .id = TEXT("bob/key")},
};
static struct consumer_credential of_eve[] = {
    {.consumer = &eve, .type = CREDENTIAL_KEY_AUTH, .id = TEXT("eve/key")},
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

struct consumer_directory *consumer_world_create(void)
{
    static const struct consumer *const all[] = {&ann, &bob, &anonymous, &eve};
    set_key(&of_ann[0], 0, SLICE("ann-key"));
    set_key(&of_bob[0], 1, SLICE("bob key+1"));
    set_key(&of_eve[0], 2, SLICE("eve-key"));
    return consumer_directory_create(all, COUNT(all));
}
