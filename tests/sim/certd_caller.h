/* Somebody who asks weft-certd for a certificate, over TLS, where certd runs in memory
 * (program_bed.h). One identity for all of them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/net/grpc_client.h"

struct certd_caller {
    const char *at;
    struct tls_ctx *tls;
    struct grpc_client *client;
    unsigned answers;
    enum grpc_status status; /* of the last answer */
    char text[300];
};

/* What is asked for: a certificate of that SPIFFE ID. 0: good. */
int certd_caller_set_up(const char *spiffe_id);
void certd_caller_tear_down(void);
/* One that knows these roots (PEM), and calls certd at that address by that name. */
void certd_caller_open(struct certd_caller *c, const char *at, const char *roots,
                       const char *name);
void certd_caller_close(struct certd_caller *c);
/* Asks, and has its answer at once. token: NULL: none is shown. */
void certd_caller_ask(struct certd_caller *c, const char *token);
