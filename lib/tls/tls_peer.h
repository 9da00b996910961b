/* What a connection demands of the other end's certificate, and what came of it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_priv.h"
#include "lib/tls/tls_verify.h"

struct tls_peer_check {
    const struct tls_ctx *ctx;
    WOLFSSL *ssl;               /* once there is one */
    char *server_name, *expect; /* or NULL; dropped after the handshake */
    struct tls_identity *identity;
    bool leaf_accepted; /* wolfSSL verified a chain and the leaf passed our rules */
    bool passed_over;   /* a certificate that did not pass is taken for none */
    enum err verdict;   /* with why */
    char *why;          /* the connection's failure sentence, this check's or another */
};

void tls_peer_init(struct tls_peer_check *p, const struct tls_ctx *ctx, struct slice server_name,
                   struct slice expect_spiffe_id);
void tls_peer_dispose(struct tls_peer_check *p);
/* wolfSSL's verify callback; its user context is a struct tls_peer_check. Never turns a failure
 * into a known peer: only a public server that can do without goes on, and then has none. */
int tls_peer_verify(int chain_ok, WOLFSSL_X509_STORE_CTX *store);
/* After the handshake: fails closed when no certificate was accepted and one was needed. */
MUST_USE enum err tls_peer_finish(struct tls_peer_check *p);
