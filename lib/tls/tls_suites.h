/* The cipher suites and groups that a public server offers, under all names that people have for
 * them. What is not here is not offered, on purpose: no CBC, no static RSA, no finite-field
 * Diffie-Hellman. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/slice.h"

enum { TLS_SUITE_COUNT = 9, TLS_GROUP_COUNT = 5, TLS_SUITE_WHY_MAX = 256 };
#define TLS_SUITES_ALL ((1u << TLS_SUITE_COUNT) - 1)

struct tls_suite {
    uint16_t code;
    const char *iana, *openssl; /* what users may write */
    const char *lib;            /* what the TLS library calls it */
    /* TLS 1.2: for certificates with these keys (enum tls_key_kind); 0: a suite of TLS 1.3, which
     * is for all. */
    unsigned keys;
};
extern const struct tls_suite tls_suites[TLS_SUITE_COUNT]; /* in order of preference */

/* By IANA's name or OpenSSL's, in any case. NULL: there is none. */
const struct tls_suite *tls_suite_find(struct slice name);
/* Why a name that was not found is not offered, and which one is nearest: goes on after the name.
 */
void tls_suite_explain(struct slice name, char why[TLS_SUITE_WHY_MAX]);

struct tls_group {
    const char *name;     /* "P-256" */
    const char *other[2]; /* SECG's name and OpenSSL's; may be NULL */
    int lib;
};
extern const struct tls_group tls_groups[TLS_GROUP_COUNT]; /* the first three are the default */

const struct tls_group *tls_group_find(struct slice name);
