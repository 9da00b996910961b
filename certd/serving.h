/* certd's own certificate and the TLS context it serves with: made from its own CA, tried on a
 * client that trusts the bundle, and made anew at half life. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "certd/ca.h"
#include "lib/tls/tls_ctx.h"

struct serving {
    struct tls_ctx *ctx;
    int64_t renew_at_ms;
};

/* dns_names: NULL-terminated, beside the usual ones. On success replaces what *s held; a failure
 * keeps it. */
MUST_USE enum err serving_renew(struct serving *s, const struct ca *ca, const char *trust_domain,
                                const char *const *dns_names, int64_t now_ms,
                                char detail[TLS_DETAIL_MAX]);
void serving_dispose(struct serving *s);
