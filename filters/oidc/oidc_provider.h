/* The OpenID provider: what its discovery document says (OpenID Connect Discovery 1.0), with what
 * the configuration spells out going first.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/oidc/oidc_conf.h"

/* Control thread: the source of that document. */
struct published *oidc_provider_discovery(struct published **list, struct filter_keep *keep,
                                          struct slice uri, struct slice cluster);

/* Strings lie in the exchange's arena, or in the configuration. */
struct oidc_provider {
    struct slice authorization, end_session; /* end_session may be empty */
    struct oidc_endpoint token;
    struct published *keys;
    bool says_issuer; /* its answers to browsers have iss (RFC 9207) */
};

/* Worker thread. PUBLISHED_NONE: it cannot be used; *why says why, constant words. wait: of the
 * exchange, zeroed before the first call. */
enum published_state oidc_provider_find(struct filter_exchange *x, const struct oidc_conf *c,
                                        struct published_wait *wait, struct oidc_provider *out,
                                        const char **why);
