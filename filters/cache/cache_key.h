/* What a response is found by: a text of whole lines, so that no two requests that differ have one
 * key. The first line is the URL as the client asked for it, by which responses are purged.
 * Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/cache/cache_conf.h"

/* In the exchange's arena. */
struct slice cache_key_of(struct filter_exchange *x, const struct cache_conf *c);
/* It is known who calls, by something that no other caller has. */
bool cache_key_has_caller(const struct filter_exchange *x);
/* Does one of the filter's `bypass` describe the request? */
bool cache_key_is_bypassed(struct filter_exchange *x, const struct cache_conf *c);

/* The names that Vary has, lower-case, as a list; empty: none. */
struct slice cache_key_vary(struct arena *arena, const struct headers *response);
/* The key of the response for this request, among those that vary so. */
struct slice cache_key_variant(struct arena *arena, struct slice key, uint64_t edition,
                               struct slice vary, const struct headers *request);
