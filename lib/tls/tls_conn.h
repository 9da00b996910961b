/* One TLS connection as a pure machine: ciphertext is fed in by reference, plaintext is read out;
 * plaintext is written in, ciphertext is taken out. No sockets, no clock. Owned by one thread. An
 * idle connection holds no record buffers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/tls/tls_ctx.h"
#include "lib/tls/tls_verify.h"

struct tls_conn;

struct tls_conn_options {
    struct slice server_name; /* client: SNI, and what a plain client checks the certificate for */
    struct slice expect_spiffe_id; /* client: the peer must be exactly this */
};

/* options may be NULL for servers. The context is referenced. */
struct tls_conn *tls_conn_create(struct tls_ctx *ctx, const struct tls_conn_options *options);
void tls_conn_destroy(struct tls_conn *c);

/* Offers received bytes. They are not copied: they must stay valid until tls_conn_unread says 0, or
 * until the next feed, before which the caller must have saved what is unread. */
void tls_conn_feed(struct tls_conn *c, const uint8_t *data, size_t len);
/* How many of the bytes fed last have not been taken yet; they are its end. */
size_t tls_conn_unread(const struct tls_conn *c);

/* Goes on with the handshake. ERR_OK: done; ERR_AGAIN: feed more (and send what tls_conn_out
 * holds); anything else: failed for good, tls_conn_detail says why, and out may hold an alert for
 * the peer. */
MUST_USE enum err tls_conn_handshake(struct tls_conn *c);
/* After the handshake. Fills `to` as far as there is plaintext. ERR_OK with *n > 0; ERR_AGAIN;
 * ERR_EOF after the peer's close_notify; else failed for good. */
MUST_USE enum err tls_conn_read(struct tls_conn *c, void *to, size_t max, size_t *n);
/* True when tls_conn_read would give something without being fed: data, or a first ERR_EOF or
 * failure. */
bool tls_conn_has_more(const struct tls_conn *c);
/* After the handshake. Encrypts all of plain, in records of up to 16 KiB, and empties it. */
MUST_USE enum err tls_conn_write(struct tls_conn *c, struct buf *plain);
/* Queues a close_notify, once. Reading goes on; writing is over. */
void tls_conn_shutdown(struct tls_conn *c);
/* The transport ended. Returns ERR_EOF when the peer had said close_notify; else ERR_CLOSED: what
 * came so far may be a truncated message. */
enum err tls_conn_transport_eof(struct tls_conn *c);
/* Ciphertext to send; the caller empties it. */
struct buf *tls_conn_out(struct tls_conn *c);

/* A sentence on the failure, or NULL. */
const char *tls_conn_detail(const struct tls_conn *c);
/* All after the handshake; empty or NULL when there is none. They live as long as the connection.
 */
struct slice tls_conn_alpn(const struct tls_conn *c);
struct slice tls_conn_sni(const struct tls_conn *c);
const struct tls_identity *tls_conn_peer(const struct tls_conn *c);
/* Would `by` take this peer, if it came now with what it has shown? An open connection's only.
 * Dates do not count: they did at the handshake. options as at creation, or NULL: names are not
 * asked about. ERR_UNTRUSTED, with a sentence on the certificate. */
MUST_USE enum err tls_conn_review(const struct tls_conn *c, const struct tls_ctx *by,
                                  const struct tls_conn_options *options, char why[TLS_DETAIL_MAX]);
bool tls_conn_is_tls13(const struct tls_conn *c);
/* The negotiated key exchange group, cipher: "X25519MLKEM768", "TLS_AES_128_GCM_SHA256". Never
 * NULL. */
const char *tls_conn_group(const struct tls_conn *c);
const char *tls_conn_cipher(const struct tls_conn *c);
