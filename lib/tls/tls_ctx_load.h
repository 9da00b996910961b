/* Filling a WOLFSSL_CTX with roots, chain and key; every failure is a sentence.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_priv.h"

/* Each certificate of the PEM becomes a trust anchor. One that is no CA refuses the whole; expired
 * ones are left out, but at least one must remain. */
MUST_USE enum err tls_ctx_load_roots(WOLFSSL_CTX *lib, struct slice pem,
                                     char detail[TLS_DETAIL_MAX]);
/* Leaf first, with its key; they must belong together. */
MUST_USE enum err tls_ctx_load_chain(WOLFSSL_CTX *lib, struct slice chain_pem, struct slice key_pem,
                                     char detail[TLS_DETAIL_MAX]);
