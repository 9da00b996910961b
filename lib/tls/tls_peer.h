/* What a connection demands of the other end's certificate, and what came of it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_conn.h"
#include "lib/tls/tls_evidence.h"
#include "lib/tls/tls_priv.h"
#include "lib/tls/tls_verify.h"

struct tls_peer_check {
    const struct tls_ctx *ctx;
    WOLFSSL *ssl;               /* once there is one */
    char *server_name, *expect; /* or NULL; dropped after the handshake */
    struct tls_identity *identity;
    struct tls_evidence *evidence; /* of a peer that was accepted */
    uint8_t anchor[DIGEST_SIZE];   /* the root that vouches for it */
    bool is_judged;                /* once in a handshake, when wolfSSL has the peer's whole list */
    bool leaf_accepted;            /* it has a path to a root, and the leaf passed our rules */
    bool passed_over;              /* a certificate that did not pass is taken for none */
    bool is_unknown;               /* it has no path to a root */
    bool has_alerted;              /* the peer has been told; nothing more goes out */
    enum err verdict;              /* with why */
    char *why;                     /* the connection's failure sentence, this check's or another */
};

void tls_peer_init(struct tls_peer_check *p, const struct tls_ctx *ctx, struct slice server_name,
                   struct slice expect_spiffe_id);
void tls_peer_dispose(struct tls_peer_check *p);
/* wolfSSL's verify callback; its user context is a struct tls_peer_check. wolfSSL has no roots, so
 * that it can keep nothing of what peers show: here is judged, and here alone. A failure never
 * turns into a known peer: only a public server that can do without goes on, and then has none. */
int tls_peer_verify(int chain_ok, WOLFSSL_X509_STORE_CTX *store);
/* After the handshake: fails closed when no certificate was accepted and one was needed. */
MUST_USE enum err tls_peer_finish(struct tls_peer_check *p);
/* Would `by` take the peer of this open connection, if it showed now what it has shown? Dates do
 * not count: they did when it came. options: as the connection's; without them names are not asked
 * about. Costs signatures only when the root that vouched for it is none of by's. ERR_UNTRUSTED,
 * and why says why. */
MUST_USE enum err tls_peer_review(const struct tls_peer_check *p, const struct tls_ctx *by,
                                  const struct tls_conn_options *options, char why[TLS_DETAIL_MAX]);
