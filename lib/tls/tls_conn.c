/* A TLS connection's life and its data: plaintext to records and back. The handshake is next
 * listener, in tls_conn_handshake.c. Owned by one thread. Must not know what carries the bytes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_conn.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/tls_conn_priv.h"

enum { RECORD_MAX = 16384 };

void tls_conn_drop_held(struct tls_conn *c)
{
    mem_free(c->held);
    c->held = NULL;
    c->held_len = c->held_at = 0;
}

static bool is_address(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!(name.ptr[i] >= '0' && name.ptr[i] <= '9') && name.ptr[i] != '.')
            return slice_find_byte(name, ':') < name.len;
    }
    return true;
}

static bool set_up_client(struct tls_conn *c, const struct tls_conn_options *options)
{
    struct slice name = options->server_name;
    if (!tls_conn_make_ssl(c, c->ctx->libs[0]))
        return false;
    if (name.len && !is_address(name) &&
        wolfSSL_UseSNI(c->ssl, WOLFSSL_SNI_HOST_NAME, name.ptr, (unsigned short)name.len) !=
            WOLFSSL_SUCCESS)
        return false;
    /* Peers outside the mesh may lack the hybrid group; a second share saves them a round trip. */
    return c->ctx->role != TLS_CLIENT ||
           (wolfSSL_UseKeyShare(c->ssl, WOLFSSL_X25519MLKEM768) == WOLFSSL_SUCCESS &&
            wolfSSL_UseKeyShare(c->ssl, WOLFSSL_ECC_X25519) == WOLFSSL_SUCCESS);
}

struct tls_conn *tls_conn_create(struct tls_ctx *ctx, const struct tls_conn_options *options)
{
    static const struct tls_conn_options none;
    struct tls_conn *c = mem_zalloc(sizeof(*c));
    c->ctx = tls_ctx_ref(ctx);
    c->is_server = tls_role_is_server(ctx->role);
    buf_init(&c->out);
    if (!options)
        options = &none;
    tls_peer_init(&c->check, ctx, options->server_name, options->expect_spiffe_id);
    if (c->is_server) {
        c->state = TLS_WAIT_HELLO;
        return c;
    }
    c->state = TLS_HANDSHAKE;
    if (!set_up_client(c, options))
        tls_conn_fail_text(c, ERR_CRYPTO, "the TLS library refuses the connection's settings");
    return c;
}

void tls_conn_destroy(struct tls_conn *c)
{
    if (!c)
        return;
    if (c->ssl)
        wolfSSL_free(c->ssl);
    tls_peer_dispose(&c->check);
    tls_conn_drop_held(c);
    buf_dispose(&c->out);
    mem_free(c->sni);
    mem_free(c->alpn);
    tls_ctx_unref(c->ctx);
    mem_free(c);
}

void tls_conn_feed(struct tls_conn *c, const uint8_t *data, size_t len)
{
    c->in = data;
    c->in_len = len;
}

size_t tls_conn_unread(const struct tls_conn *c)
{
    return c->in_len;
}

bool tls_conn_has_more(const struct tls_conn *c)
{
    if (c->state != TLS_OPEN || c->got_close)
        return c->state == TLS_FAILED || (c->got_close && !c->told_close);
    return c->in_len || c->held || wolfSSL_pending(c->ssl) > 0;
}

enum err tls_conn_read(struct tls_conn *c, void *to, size_t max, size_t *n)
{
    *n = 0;
    if (c->state == TLS_FAILED)
        return c->failure;
    while (!c->got_close && *n < max && tls_conn_has_more(c)) {
        size_t want = max - *n < (1u << 30) ? max - *n : 1u << 30;
        int got = wolfSSL_read(c->ssl, (uint8_t *)to + *n, (int)want);
        if (got > 0) {
            *n += (size_t)got;
            continue;
        }
        int code = wolfSSL_get_error(c->ssl, got);
        if (code == WOLFSSL_ERROR_ZERO_RETURN || code == ZERO_RETURN)
            c->got_close = true;
        else if (code != WOLFSSL_ERROR_WANT_READ) {
            enum err e = tls_conn_fail_code(c, code);
            return *n ? ERR_OK : e;
        }
    }
    if (*n)
        return ERR_OK;
    c->told_close = c->got_close;
    return c->got_close ? ERR_EOF : ERR_AGAIN;
}

/* Small pieces travel together in one record. */
static struct slice gather(const struct buf *plain)
{
    static _Thread_local uint8_t scratch[RECORD_MAX];
    struct slice front = buf_front(plain);
    if (front.len == plain->len)
        return front;
    if (front.len >= RECORD_MAX)
        return slice_sub(front, 0, front.len / RECORD_MAX * RECORD_MAX);
    size_t n = plain->len < RECORD_MAX ? plain->len : RECORD_MAX;
    buf_copy_out(plain, scratch, n);
    return slice_of(scratch, n);
}

enum err tls_conn_write(struct tls_conn *c, struct buf *plain)
{
    if (c->state != TLS_OPEN || c->sent_close) {
        buf_dispose(plain);
        return c->state == TLS_FAILED ? c->failure : ERR_BROKEN_PIPE;
    }
    while (plain->len) {
        struct slice piece = gather(plain);
        int sent = wolfSSL_write(c->ssl, piece.ptr, (int)piece.len);
        if (sent <= 0) {
            buf_dispose(plain);
            return tls_conn_fail_code(c, wolfSSL_get_error(c->ssl, sent));
        }
        buf_drain(plain, (size_t)sent);
    }
    return ERR_OK;
}

void tls_conn_shutdown(struct tls_conn *c)
{
    if (c->state != TLS_OPEN || c->sent_close)
        return;
    c->sent_close = true;
    (void)wolfSSL_shutdown(c->ssl);
}

enum err tls_conn_transport_eof(struct tls_conn *c)
{
    if (c->got_close)
        return ERR_EOF;
    if (c->state == TLS_FAILED)
        return c->failure;
    bool open = c->state == TLS_OPEN;
    return tls_conn_fail_text(
        c, ERR_CLOSED,
        open ? "the connection ended without a close_notify: data may be missing"
             : "the connection ended during the TLS handshake");
}

struct buf *tls_conn_out(struct tls_conn *c)
{
    return &c->out;
}

const char *tls_conn_detail(const struct tls_conn *c)
{
    return c->check.why;
}

struct slice tls_conn_alpn(const struct tls_conn *c)
{
    return slice_from_cstr(c->alpn);
}

struct slice tls_conn_sni(const struct tls_conn *c)
{
    return slice_from_cstr(c->sni);
}

const struct tls_identity *tls_conn_peer(const struct tls_conn *c)
{
    return c->state == TLS_OPEN ? c->check.identity : NULL;
}

enum err tls_conn_review(const struct tls_conn *c, const struct tls_ctx *by,
                         const struct tls_conn_options *options, char why[TLS_DETAIL_MAX])
{
    return c->state == TLS_OPEN ? tls_peer_review(&c->check, by, options, why) : ERR_OK;
}

bool tls_conn_is_tls13(const struct tls_conn *c)
{
    return c->ssl && wolfSSL_version(c->ssl) == TLS1_3_VERSION;
}

const char *tls_conn_group(const struct tls_conn *c)
{
    const char *name = c->ssl ? wolfSSL_get_curve_name(c->ssl) : NULL;
    return name ? name : "";
}

const char *tls_conn_cipher(const struct tls_conn *c)
{
    const char *name = c->ssl ? wolfSSL_get_cipher(c->ssl) : NULL;
    return name ? name : "";
}
