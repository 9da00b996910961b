/* The path from a peer's certificate to one of the roots (RFC 5280 §6), built of nothing but what
 * the peer has sent and the roots: nothing is remembered from one call to the next. Pure, but for
 * the day's date; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_roots.h"

enum { TLS_CHAIN_MAX = 10 }; /* certificates that a peer may send */

struct tls_chain_verdict {
    int code;                    /* 0: good; else a wolfSSL error number */
    size_t depth;                /* of the certificate that it is about; the leaf is 0 */
    bool is_root;                /* it is about the root, which the peer need not have sent */
    size_t between;              /* good: certificates between the leaf and the root */
    uint8_t anchor[DIGEST_SIZE]; /* good: the root's certificate */
};

/* certs: DER, the leaf first; what is behind it in any order, and may be more than is needed. A
 * root is taken as soon as one fits. any_date: certificates that have expired count as if they had
 * not, which is for asking again about a peer that was found good when it came. */
struct tls_chain_verdict tls_chain_verify(const struct tls_roots *roots, const struct slice *certs,
                                          size_t count, bool any_date);

/* The same of two PEM texts, for a certificate of our own: the chain, leaf first, and the list of
 * roots. Dates of the chain do not count, since whose clock is wrong is not known here.
 * ERR_INVALID: the roots are of no use; ERR_SYNTAX: the chain cannot be read; ERR_UNTRUSTED: none
 * of the roots vouches for it. detail: a sentence. */
MUST_USE enum err tls_chain_check(struct slice chain_pem, struct slice roots_pem,
                                  char detail[TLS_DETAIL_MAX]);
