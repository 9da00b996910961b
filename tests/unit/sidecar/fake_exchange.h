/* A stand-in for the exchange: what filters may ask of one, and what they did to it. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/exchange.h"
#include "sidecar/filters/filter.h"

struct exchange {
    struct arena arena;
    struct message request, response;
    struct message *response_head; /* NULL before there is one */
    struct slice original_path, match_path;
    const struct normalize_readings *other_paths;
    struct downstream_info down;
    struct tls_peer peer;
    struct forwarded client;
    bool has_odd_names;
    /* what a filter answered */
    enum fail fail;
    struct slice detail;
    unsigned status;
    unsigned replies, wakes;
    _Alignas(16) char ctx[4][64]; /* what filters keep, by their place in the chain */
};

void fake_exchange_init(struct exchange *ex, const char *method, const char *authority,
                        const char *target);
void fake_exchange_dispose(struct exchange *ex);
void fake_exchange_header(struct exchange *ex, const char *name, const char *value);
/* The peer showed a certificate with this SPIFFE id. */
void fake_exchange_identify(struct exchange *ex, const char *spiffe_id);
/* Runs the hooks of a whole chain in their order. */
enum verdict fake_exchange_request(struct exchange *ex, const struct filter_chain *chain);
enum verdict fake_exchange_response(struct exchange *ex, const struct filter_chain *chain);
