/* What a public server must know of a certificate of its own to choose among several: the names in
 * it and the kind of its key. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/slice.h"

/* Kinds of keys, as bits: also what a client says that it can verify. */
enum tls_key_kind {
    TLS_KEY_RSA = 1,
    TLS_KEY_P256 = 2,
    TLS_KEY_P384 = 4,
    TLS_KEY_P521 = 8,
    TLS_KEY_ED25519 = 16,
    TLS_KEY_OTHER = 32,
    TLS_KEY_ANY = 63,
};

struct tls_own_cert {
    unsigned key;        /* enum tls_key_kind; TLS_KEY_ANY: it is not known */
    struct slice *names; /* subject alternative names of type dNSName, lower-case */
    size_t name_count;
};

/* The first certificate of the chain. One that may be owned but has names that the TLS library does
 * not read has none. The text is not kept. */
void tls_own_cert_read(struct slice chain_pem, struct tls_own_cert *out);
void tls_own_cert_dispose(struct tls_own_cert *c);
/* 2: it has that very name; 1: a wildcard for its last labels (one label, RFC 9525 §6.3); 0:
 * neither. host: lower-case. */
int tls_own_cert_fits(const struct tls_own_cert *c, struct slice host);
