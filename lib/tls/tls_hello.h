/* The server name out of a TLS ClientHello, and which keys the client can verify, before any TLS
 * state exists: so the right certificate can be chosen, and bytes that are not TLS cost nothing.
 * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/tls/tls_ctx.h"
#include "lib/tls/tls_own_cert.h"
#include "lib/tls/tls_suites.h"

#define TLS_HELLO_MAX 16384 /* bytes of records; more is ERR_LIMIT */
#define TLS_HELLO_SNI_MAX 256

struct tls_hello {
    char sni[TLS_HELLO_SNI_MAX]; /* lower-case, NUL-terminated; empty when none was sent */
    bool is_tls13;               /* the client speaks TLS 1.3 */
    /* That it can verify, bits of enum tls_key_kind: with TLS 1.3; with TLS 1.2, where its suites
     * count as well. */
    unsigned keys13, keys12;
    unsigned suites; /* that it offers, bits by the index in tls_suites */
    uint8_t alert;   /* on failure: the alert to send, 0 for none */
};

/* Which keys it can verify of a server that offers these suites, and TLS 1.3 or not. */
unsigned tls_hello_keys(const struct tls_hello *hello, unsigned suites, bool tls13);

/* data: everything received so far. ERR_AGAIN until the hello is whole; ERR_PROTOCOL (detail says
 * why) when it is not TLS, malformed, or its server name is not a host name. */
MUST_USE enum err tls_hello_parse(const uint8_t *data, size_t len, struct tls_hello *out,
                                  char detail[TLS_DETAIL_MAX]);
