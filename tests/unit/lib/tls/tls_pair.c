/* The in-memory wire between two TLS connections, cut into pieces of a chosen size.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/tls/tls_pair.h"

#include <string.h>

#include "lib/base/mem.h"

void tls_pair_init(struct tls_pair *t, struct tls_ctx *client, struct tls_ctx *server,
                   const struct tls_conn_options *options)
{
    *t = (struct tls_pair){
        .client = tls_conn_create(client, options),
        .server = tls_conn_create(server, NULL),
        .client_result = ERR_AGAIN,
        .server_result = ERR_AGAIN,
    };
}

void tls_pair_dispose(struct tls_pair *t)
{
    tls_conn_destroy(t->client);
    tls_conn_destroy(t->server);
}

/* One piece of what `from` has to send, in memory of its own so that sanitizers see its end. */
static uint8_t *take_piece(struct tls_conn *from, size_t piece, size_t *len)
{
    struct buf *out = tls_conn_out(from);
    *len = piece && piece < out->len ? piece : out->len;
    if (*len == 0)
        return NULL;
    uint8_t *bytes = mem_alloc(*len);
    buf_copy_out(out, bytes, *len);
    buf_drain(out, *len);
    return bytes;
}

/* Gives one piece to `to`'s handshake; false when there was none. What is unread after it stays for
 * the first read, as a transport would keep it. */
static bool shake(struct tls_conn *from, struct tls_conn *to, size_t piece, enum err *result)
{
    size_t len;
    uint8_t *bytes = take_piece(from, piece, &len);
    if (!bytes)
        return false;
    tls_conn_feed(to, bytes, len);
    *result = tls_conn_handshake(to);
    if (*result == ERR_OK) {
        uint8_t plain[64];
        size_t n;
        enum err e = tls_conn_read(to, plain, sizeof(plain), &n);
        if (e != ERR_AGAIN && e != ERR_OK)
            *result = e;
    }
    tls_conn_feed(to, NULL, 0);
    mem_free(bytes);
    return true;
}

void tls_pair_handshake(struct tls_pair *t)
{
    if (t->client_result == ERR_AGAIN)
        t->client_result = tls_conn_handshake(t->client);
    bool moved = true;
    while (moved) {
        moved = shake(t->client, t->server, t->piece, &t->server_result);
        moved |= shake(t->server, t->client, t->piece, &t->client_result);
    }
}

enum err tls_pair_move(struct tls_pair *t, struct tls_conn *from, struct tls_conn *to,
                       struct buf *plain)
{
    enum err e = ERR_AGAIN;
    size_t len;
    uint8_t *bytes;
    while ((bytes = take_piece(from, t->piece, &len))) {
        uint8_t chunk[5000];
        size_t n;
        tls_conn_feed(to, bytes, len);
        while (!(e = tls_conn_read(to, chunk, sizeof(chunk), &n))) {
            if (plain)
                buf_append(plain, chunk, n);
        }
        tls_conn_feed(to, NULL, 0);
        mem_free(bytes);
    }
    return e;
}

bool tls_pair_echo(struct tls_pair *t, struct tls_conn *from, struct tls_conn *to, const char *text)
{
    struct buf plain, got;
    size_t len = strlen(text);
    buf_init(&plain);
    buf_init(&got);
    buf_append(&plain, text, len);
    enum err e = tls_conn_write(from, &plain);
    if (!e)
        (void)tls_pair_move(t, from, to, &got);
    char *copy = mem_alloc(len + 1);
    bool same = !e && got.len == len;
    if (same) {
        buf_copy_out(&got, copy, len);
        same = memcmp(copy, text, len) == 0;
    }
    mem_free(copy);
    buf_dispose(&got);
    return same;
}
