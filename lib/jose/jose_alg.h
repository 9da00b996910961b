/* What JOSE calls the algorithms of signatures (RFC 7518 §3.1, RFC 8037 §3.1). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/signature.h"

/* SIGNATURE_NONE: not one of ours, "none" among them. Names have one spelling. */
enum signature_alg jose_alg_find(struct slice name);
/* "RS256"; "none" for SIGNATURE_NONE. */
const char *jose_alg_name(enum signature_alg alg);

/* Sets of algorithms, as bits. */
#define JOSE_ALG_BIT(alg) (1u << (alg))
#define JOSE_ALGS_HMAC                                                          \
    (JOSE_ALG_BIT(SIGNATURE_HMAC_SHA256) | JOSE_ALG_BIT(SIGNATURE_HMAC_SHA384) | \
     JOSE_ALG_BIT(SIGNATURE_HMAC_SHA512))
/* All that are made with a private key. */
#define JOSE_ALGS_PUBLIC \
    (((1u << SIGNATURE_ALG_COUNT) - 1) & ~JOSE_ALGS_HMAC & ~JOSE_ALG_BIT(SIGNATURE_NONE))
