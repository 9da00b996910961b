/* The keys of an issuer, as it publishes them at a URI.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/token/published.h"
#include "lib/jose/jwk.h"

struct jwt_keys {
    struct published_doc doc; /* first */
    struct jwk_set set;
};

/* As published_of; what it publishes are struct jwt_keys. */
struct published *jwt_source_of(struct published **list, struct filter_keep *keep,
                                struct slice uri, struct slice cluster, uint32_t timeout_ms);
