/* The connection as the files tls_conn*.c share it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_conn.h"
#include "lib/tls/tls_peer.h"
#include "lib/tls/tls_priv.h"

enum tls_conn_state { TLS_WAIT_HELLO, TLS_HANDSHAKE, TLS_OPEN, TLS_FAILED };

struct tls_conn {
    struct tls_ctx *ctx;
    WOLFSSL *ssl; /* NULL while a server waits for the hello */
    const uint8_t *in;
    size_t in_len;
    uint8_t *held; /* a hello that came in pieces */
    size_t held_len, held_at;
    struct buf out;
    enum tls_conn_state state;
    enum err failure;
    bool is_server, got_close, told_close, sent_close;
    char *sni, *alpn;
    struct tls_peer_check check;
};

/* Ends the connection with e (returned); the first sentence stays, where there is one. */
enum err tls_conn_fail(struct tls_conn *c, enum err e);
/* From a wolfSSL error number, or the alert that the peer sent. */
enum err tls_conn_fail_code(struct tls_conn *c, int code);
enum err tls_conn_fail_text(struct tls_conn *c, enum err e, const char *why);
/* The WOLFSSL object, bound to c. False when the library refuses. */
bool tls_conn_make_ssl(struct tls_conn *c, WOLFSSL_CTX *lib);
/* The hello that came in pieces is used up. */
void tls_conn_drop_held(struct tls_conn *c);
