/* What wolfSSL calls, and what its failures mean: the two buffers as its transport, and error
 * numbers and alerts as sentences. Owned by the connection's thread. Must not know the order of
 * things: that is tls_conn.c and tls_conn_handshake.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_conn_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/tls_err.h"

static size_t take_bytes(const uint8_t **from, size_t *left, char *to, size_t max)
{
    size_t n = *left < max ? *left : max;
    memcpy(to, *from, n);
    *from += n;
    *left -= n;
    return n;
}

static int receive(WOLFSSL *ssl, char *to, int max, void *arg)
{
    struct tls_conn *c = arg;
    size_t n = 0;
    (void)ssl;
    if (c->held) {
        const uint8_t *from = c->held + c->held_at;
        size_t left = c->held_len - c->held_at;
        n = take_bytes(&from, &left, to, (size_t)max);
        c->held_at += n;
        if (left == 0)
            tls_conn_drop_held(c);
        return (int)n;
    }
    if (c->in_len)
        n = take_bytes(&c->in, &c->in_len, to, (size_t)max);
    return n ? (int)n : WOLFSSL_CBIO_ERR_WANT_READ;
}

static int transmit(WOLFSSL *ssl, char *from, int len, void *arg)
{
    struct tls_conn *c = arg;
    (void)ssl;
    if (!c->check.has_alerted)
        buf_append(&c->out, from, (size_t)len);
    return len;
}

int tls_conn_verify_mode(const struct tls_ctx *c)
{
    if (!tls_ctx_judges_peer(c))
        return WOLFSSL_VERIFY_NONE;
    return tls_ctx_needs_peer(c) ? WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                 : WOLFSSL_VERIFY_PEER;
}

void tls_conn_bind(const struct tls_ctx *c, WOLFSSL_CTX *lib)
{
    wolfSSL_CTX_SetIORecv(lib, receive);
    wolfSSL_CTX_SetIOSend(lib, transmit);
    int mode = tls_conn_verify_mode(c);
    wolfSSL_CTX_set_verify(lib, mode, mode == WOLFSSL_VERIFY_NONE ? NULL : tls_peer_verify);
}

enum err tls_conn_fail(struct tls_conn *c, enum err e)
{
    c->state = TLS_FAILED;
    c->failure = e;
    return e;
}

static const char *side(const struct tls_conn *c)
{
    return c->is_server ? "client" : "server";
}

/* The reason of a failed call, unless the check of the peer's certificate has left a better one. */
enum err tls_conn_fail_code(struct tls_conn *c, int code)
{
    WOLFSSL_ALERT_HISTORY history;
    if (c->check.why)
        return tls_conn_fail(c, c->check.verdict);
    bool by_alert = code == FATAL_ERROR &&
                    wolfSSL_get_alert_history(c->ssl, &history) == WOLFSSL_SUCCESS &&
                    history.last_rx.code >= 0;
    if (by_alert) {
        c->check.why = mem_printf("the %s answered with the alert %s", side(c),
                                  tls_err_alert_text(history.last_rx.code));
        return tls_conn_fail(c, tls_err_from_alert(history.last_rx.code));
    }
    c->check.why = mem_printf("%s (TLS error %d)", tls_err_text(code), code);
    return tls_conn_fail(c, tls_err_from(code));
}

enum err tls_conn_fail_text(struct tls_conn *c, enum err e, const char *why)
{
    mem_free(c->check.why);
    c->check.why = mem_strdup(why);
    c->check.verdict = e;
    return tls_conn_fail(c, e);
}

/* With TLS 1.2 the library asks the connection only which groups there are. */
static bool set_groups(const struct tls_conn *c)
{
    for (int i = 0; i < c->ctx->group_count; i++)
        if (wolfSSL_UseSupportedCurve(c->ssl, (word16)c->ctx->groups[i]) != WOLFSSL_SUCCESS)
            return false;
    return true;
}

bool tls_conn_make_ssl(struct tls_conn *c, WOLFSSL_CTX *lib)
{
    c->ssl = wolfSSL_new(lib);
    if (!c->ssl)
        return false;
    c->check.ssl = c->ssl;
    wolfSSL_SetIOReadCtx(c->ssl, c);
    wolfSSL_SetIOWriteCtx(c->ssl, c);
    wolfSSL_SetCertCbCtx(c->ssl, &c->check);
    char *alpn = c->ctx->alpn;
    if (!set_groups(c))
        return false;
    return !alpn || wolfSSL_UseALPN(c->ssl, alpn, (unsigned)strlen(alpn),
                                    WOLFSSL_ALPN_FAILED_ON_MISMATCH) == WOLFSSL_SUCCESS;
}
