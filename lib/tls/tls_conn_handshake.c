/* The handshake: a server first waits for the whole ClientHello, chooses the certificate by its
 * server name, and only then makes a WOLFSSL object. Owned by the connection's thread. Must not
 * know what carries the bytes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/tls_conn_priv.h"
#include "lib/tls/tls_hello.h"

static void send_alert(struct tls_conn *c, uint8_t description)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, description};
    buf_append(&c->out, record, sizeof(record));
}

/* Keeps what came of a hello until the rest does. */
static void hold(struct tls_conn *c)
{
    c->held = mem_realloc(c->held, c->held_len + c->in_len);
    memcpy(c->held + c->held_len, c->in, c->in_len);
    c->held_len += c->in_len;
    c->in_len = 0;
}

static enum err start_server(struct tls_conn *c, const struct tls_hello *hello)
{
    unsigned keys = tls_hello_keys(hello, c->ctx->suites, c->ctx->has_tls13);
    WOLFSSL_CTX *lib = tls_sni_pick(c->ctx, hello->sni, keys);
    if (!lib) {
        send_alert(c, 112);
        c->check.why = mem_printf("no certificate for the server name '%s'", hello->sni);
        return tls_conn_fail(c, ERR_NOT_FOUND);
    }
    if (hello->sni[0])
        c->sni = mem_strdup(hello->sni);
    if (!tls_conn_make_ssl(c, lib))
        return tls_conn_fail_text(c, ERR_CRYPTO,
                                  "the TLS library refuses the connection's settings");
    c->state = TLS_HANDSHAKE;
    return ERR_OK;
}

static enum err wait_hello(struct tls_conn *c)
{
    struct tls_hello hello;
    char why[TLS_DETAIL_MAX];
    if (c->held && c->in_len)
        hold(c);
    enum err e = c->held ? tls_hello_parse(c->held, c->held_len, &hello, why)
                         : tls_hello_parse(c->in, c->in_len, &hello, why);
    if (e == ERR_OK)
        return start_server(c, &hello);
    if (e == ERR_AGAIN) {
        if (c->in_len)
            hold(c);
        return e;
    }
    if (hello.alert)
        send_alert(c, hello.alert);
    return tls_conn_fail_text(c, e, why);
}

static enum err finish_handshake(struct tls_conn *c)
{
    char *alpn = NULL;
    unsigned short alpn_len = 0;
    enum err e = tls_peer_finish(&c->check);
    if (e)
        return tls_conn_fail(c, e);
    if (wolfSSL_ALPN_GetProtocol(c->ssl, &alpn, &alpn_len) == WOLFSSL_SUCCESS && alpn_len)
        c->alpn = mem_strndup(alpn, alpn_len);
    /* A server may pass over ALPN; then it is no mesh peer, whatever it speaks. */
    if (c->ctx->role == TLS_MESH_CLIENT && c->ctx->alpn && !c->alpn)
        return tls_conn_fail_text(c, ERR_PROTOCOL,
                                  "the peer chose none of our application protocols (ALPN)");
    c->state = TLS_OPEN;
    return ERR_OK;
}

enum err tls_conn_handshake(struct tls_conn *c)
{
    if (c->state == TLS_FAILED)
        return c->failure;
    if (c->state == TLS_OPEN)
        return ERR_OK;
    if (c->state == TLS_WAIT_HELLO) {
        enum err e = wait_hello(c);
        if (e)
            return e;
    }
    int result = c->is_server ? wolfSSL_accept(c->ssl) : wolfSSL_connect(c->ssl);
    if (result == WOLFSSL_SUCCESS)
        return finish_handshake(c);
    int code = wolfSSL_get_error(c->ssl, result);
    if (code == WOLFSSL_ERROR_WANT_READ || code == WOLFSSL_ERROR_WANT_WRITE)
        return ERR_AGAIN;
    return tls_conn_fail_code(c, code);
}
