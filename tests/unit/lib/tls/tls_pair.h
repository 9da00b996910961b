/* Two TLS connections talking to each other in memory, in pieces of a chosen size.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_conn.h"

struct tls_pair {
    struct tls_conn *client, *server;
    size_t piece; /* bytes fed at a time; 0: all there is */
    enum err client_result, server_result;
};

void tls_pair_init(struct tls_pair *t, struct tls_ctx *client, struct tls_ctx *server,
                   const struct tls_conn_options *options);
void tls_pair_dispose(struct tls_pair *t);
/* Until both ends are done or one has failed; the failed one's alert is delivered to the other. */
void tls_pair_handshake(struct tls_pair *t);
/* Moves what `from` has to send into `to`, and collects to's plaintext (NULL: drops it). Returns
 * the reader's last result. */
enum err tls_pair_move(struct tls_pair *t, struct tls_conn *from, struct tls_conn *to,
                       struct buf *plain);
/* Writes text on `from`, moves it, and says whether `to` read exactly that. */
bool tls_pair_echo(struct tls_pair *t, struct tls_conn *from, struct tls_conn *to,
                   const char *text);
