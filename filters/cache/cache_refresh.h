/* Fetching again in the background what was just sent although it is stale (RFC 5861 §3). One at a
 * time for each response. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/cache/cache_run.h"

enum cache_refresh {
    CACHE_REFRESH_BEGUN,
    CACHE_REFRESH_UNDER_WAY, /* somebody else has begun */
    CACHE_REFRESH_NONE,      /* only the exchange itself can fetch it */
};

enum cache_refresh cache_refresh_begin(struct filter_exchange *x, const struct cache_conf *c,
                                       struct cache_ctx *own);
