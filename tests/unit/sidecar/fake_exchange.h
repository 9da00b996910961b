/* A request and what filters may do to it, in memory; the chains are run by the data plane's own
 * runner (filters/chain.h). One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/chain.h"

#include "lib/io/stream.h"

struct fake_exchange {
    struct filter_exchange x; /* first */
    struct filter_road road;
    struct arena arena;
    struct message request, response;
    struct downstream_info down;
    struct tls_peer peer;
    struct forwarded client;
    /* what a filter answered */
    enum fail fail;
    struct slice detail;
    unsigned status;
    unsigned replies, wakes;
};

void fake_exchange_init(struct fake_exchange *ex, const char *method, const char *authority,
                        const char *target);
void fake_exchange_dispose(struct fake_exchange *ex);
void fake_exchange_header(struct fake_exchange *ex, const char *name, const char *value);
/* The peer showed a certificate with this SPIFFE id. */
void fake_exchange_identify(struct fake_exchange *ex, const char *spiffe_id);
enum filter_verdict fake_exchange_request(struct fake_exchange *ex,
                                          const struct filter_chain *chain);
/* A response has come, or a filter has answered. */
enum filter_verdict fake_exchange_response(struct fake_exchange *ex,
                                           const struct filter_chain *chain);
