/* Filling a WOLFSSL_CTX with chain and key; every failure is a sentence.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_priv.h"

/* Leaf first, with its key; they must belong together. */
MUST_USE enum err tls_ctx_load_chain(WOLFSSL_CTX *lib, struct slice chain_pem, struct slice key_pem,
                                     char detail[TLS_DETAIL_MAX]);
