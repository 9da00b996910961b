/* The table of cipher suites and groups, and help for names that are not in it. Pure; any thread.
 * Must not know who offers what.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_suites.h"

#include <stdio.h>

#include "lib/tls/tls_priv.h"

enum { ECDSA = TLS_KEY_P256 | TLS_KEY_P384 | TLS_KEY_P521 | TLS_KEY_ED25519 };

/* Mozilla's "intermediate", without the suites of finite-field Diffie-Hellman. */
const struct tls_suite tls_suites[TLS_SUITE_COUNT] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", "TLS13-AES128-GCM-SHA256", 0},
    {0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", "TLS13-AES256-GCM-SHA384", 0},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
     "TLS13-CHACHA20-POLY1305-SHA256", 0},
    {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256",
     "ECDHE-ECDSA-AES128-GCM-SHA256", ECDSA},
    {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
     "ECDHE-RSA-AES128-GCM-SHA256", TLS_KEY_RSA},
    {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384",
     "ECDHE-ECDSA-AES256-GCM-SHA384", ECDSA},
    {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
     "ECDHE-RSA-AES256-GCM-SHA384", TLS_KEY_RSA},
    {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305",
     "ECDHE-ECDSA-CHACHA20-POLY1305", ECDSA},
    {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305",
     "ECDHE-RSA-CHACHA20-POLY1305", TLS_KEY_RSA},
};

const struct tls_group tls_groups[TLS_GROUP_COUNT] = {
    {"X25519MLKEM768", {NULL, NULL}, WOLFSSL_X25519MLKEM768},
    {"X25519", {NULL, NULL}, WOLFSSL_ECC_X25519},
    {"P-256", {"secp256r1", "prime256v1"}, WOLFSSL_ECC_SECP256R1},
    {"P-384", {"secp384r1", NULL}, WOLFSSL_ECC_SECP384R1},
    {"P-521", {"secp521r1", NULL}, WOLFSSL_ECC_SECP521R1},
};

static bool is(struct slice name, const char *text)
{
    return text && slice_eq_nocase(name, slice_from_cstr(text));
}

const struct tls_suite *tls_suite_find(struct slice name)
{
    for (size_t i = 0; i < TLS_SUITE_COUNT; i++)
        if (is(name, tls_suites[i].iana) || is(name, tls_suites[i].openssl))
            return &tls_suites[i];
    return NULL;
}

const struct tls_group *tls_group_find(struct slice name)
{
    for (size_t i = 0; i < TLS_GROUP_COUNT; i++)
        if (is(name, tls_groups[i].name) || is(name, tls_groups[i].other[0]) ||
            is(name, tls_groups[i].other[1]))
            return &tls_groups[i];
    return NULL;
}

/* ---- names that are not there ---- */

/* The next word between '-' and '_'. */
static bool next_word(struct slice *rest, struct slice *word)
{
    size_t n = 0;
    if (!rest->len)
        return false;
    while (n < rest->len && rest->ptr[n] != '-' && rest->ptr[n] != '_')
        n++;
    *word = slice_sub(*rest, 0, n);
    *rest = slice_sub(*rest, n + 1 < rest->len ? n + 1 : rest->len, rest->len);
    return true;
}

static bool has_word(struct slice name, struct slice wanted)
{
    struct slice word;
    while (next_word(&name, &word))
        if (slice_eq_nocase(word, wanted))
            return true;
    return false;
}

/* Words that both have, less those that only one has. */
static int likeness(struct slice name, struct slice other)
{
    struct slice rest = name, word;
    int sum = 0;
    while (next_word(&rest, &word))
        sum += has_word(other, word) ? 1 : -1;
    for (rest = other; next_word(&rest, &word);)
        sum += has_word(name, word) ? 1 : -1;
    return sum;
}

static const char *nearest(struct slice name)
{
    const char *best = tls_suites[0].iana;
    int most = -1000;
    for (size_t i = 0; i < 2 * TLS_SUITE_COUNT; i++) {
        const struct tls_suite *s = &tls_suites[i / 2];
        const char *text = i % 2 ? s->iana : s->openssl;
        int alike = likeness(name, slice_from_cstr(text));
        if (alike > most) {
            most = alike;
            best = text;
        }
    }
    return best;
}

static bool has_any(struct slice name, const char *const *words)
{
    for (; *words; words++)
        if (has_word(name, slice_from_cstr(*words)))
            return true;
    return false;
}

static const char *flaw_of(struct slice name)
{
    static const char *const broken[] = {"NULL", "RC4", "DES",  "3DES", "CBC3", "EXP", "EXPORT",
                                         "MD5",  "RC2", "IDEA", "ADH",  "AECDH", "anon", NULL};
    static const char *const fresh[] = {"ECDHE", NULL};
    static const char *const finite[] = {"DHE", "EDH", NULL};
    static const char *const sealed[] = {"GCM", "CHACHA20", NULL};
    static const char *const parts[] = {"AES", "AES128", "AES256", "SHA", "SHA256", "SHA384", "GCM",
                                        "RSA", NULL};
    bool is_one = has_any(name, parts) || has_any(name, broken) || has_any(name, sealed);
    if (!is_one || has_word(name, SLICE("TLS13")))
        return "is no name of a cipher suite";
    if (has_any(name, broken))
        return "is not safe";
    if (has_any(name, finite))
        return "is not offered, since it is of finite-field Diffie-Hellman";
    if (!has_any(name, fresh))
        return "is not offered, since it has no forward secrecy";
    return has_any(name, sealed) ? "is not offered" : "is not offered, since it uses CBC";
}

void tls_suite_explain(struct slice name, char why[TLS_SUITE_WHY_MAX])
{
    snprintf(why, TLS_SUITE_WHY_MAX, "%s; nearest is %s", flaw_of(name), nearest(name));
}
