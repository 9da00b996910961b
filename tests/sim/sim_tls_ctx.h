/* The inside of a simulated context, for the sim_tls*.c files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/tls/tls_ctx.h"

enum { SIM_NAME_MAX = 128, SIM_ALPN_MAX = 4 };

struct tls_ctx {
    unsigned refs;
    bool is_server, is_public, is_stranger; /* is_stranger: a client outside the mesh */
    bool believes_all;                      /* strangers */
    bool asks, is_optional;                 /* servers: for a client's certificate */
    char id[SIM_NAME_MAX];
    char sans[SIM_NAME_MAX]; /* strangers: names, each with a blank around; empty: the one asked for
                              */
    char roots[SIM_NAME_MAX]; /* what ids that are vouched for begin with */
    char alpn[SIM_ALPN_MAX][16];
    unsigned alpn_count;
};

/* A member of the mesh (NULL: without a certificate) that offers one name (NULL: none). */
struct tls_ctx *sim_tls_ctx_client(const char *spiffe_id, const char *alpn);
