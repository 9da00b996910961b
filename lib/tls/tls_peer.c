/* Judging the peer's certificate inside the handshake, so that a refused peer gets an alert and
 * never a byte of data. Owned by its connection. Must not know of records.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_peer.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/asn_time.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/x509_priv.h"

enum { ID_SHOWN_MAX = 150 };

static char *copy(struct slice s)
{
    return s.len ? mem_strndup(s.ptr, s.len) : NULL;
}

void tls_peer_init(struct tls_peer_check *p, const struct tls_ctx *ctx, struct slice server_name,
                   struct slice expect_spiffe_id)
{
    *p = (struct tls_peer_check){
        .ctx = ctx,
        .server_name = copy(server_name),
        .expect = copy(expect_spiffe_id),
    };
}

static void drop_wishes(struct tls_peer_check *p)
{
    mem_free(p->server_name);
    mem_free(p->expect);
    p->server_name = p->expect = NULL;
}

void tls_peer_dispose(struct tls_peer_check *p)
{
    drop_wishes(p);
    tls_verify_destroy(p->identity);
    mem_free(p->why);
}

static const char *whose(const struct tls_peer_check *p)
{
    return tls_role_is_server(p->ctx->role) ? "client" : "server";
}

/* The first reason stays: later ones follow from it. */
static void say(struct tls_peer_check *p, enum err verdict, char *why)
{
    if (p->why) {
        mem_free(why);
        return;
    }
    p->verdict = verdict;
    p->why = why;
}

/* " 'spiffe://...'" or nothing: what the refused certificate claims, for the log. */
static void claimed_id(const DecodedCert *cert, char text[ID_SHOWN_MAX + 4])
{
    text[0] = 0;
    for (const DNS_entry *e = cert->altNames; e; e = e->next) {
        if (e->type != ASN_URI_TYPE || e->len <= 0)
            continue;
        int n = e->len < ID_SHOWN_MAX ? e->len : ID_SHOWN_MAX;
        text[0] = ' ';
        text[1] = '\'';
        memcpy(text + 2, e->name, (size_t)n);
        memcpy(text + 2 + n, "'", 2);
        return;
    }
}

/* " at 2026-01-02T03:04:05Z" for date errors, else NULL. */
static char *date_text(const DecodedCert *cert, int code)
{
    char time[ASN_TIME_TEXT_MAX];
    if (code == ASN_AFTER_DATE_E)
        return mem_printf(" at %s",
                          asn_time_text(x509_date_ms(cert->afterDate, cert->afterDateLen), time));
    if (code == ASN_BEFORE_DATE_E)
        return mem_printf(", but from %s",
                          asn_time_text(x509_date_ms(cert->beforeDate, cert->beforeDateLen), time));
    return NULL;
}

/* The sentence for a certificate that wolfSSL refused, at `depth` of the chain. */
static char *chain_reason(const struct tls_peer_check *p, struct slice der, int depth, int code)
{
    DecodedCert cert;
    char id[ID_SHOWN_MAX + 4] = "";
    char *time = NULL, *where = NULL;
    wc_InitDecodedCert(&cert, (const byte *)der.ptr, (word32)der.len, NULL);
    if (wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL) == 0) {
        claimed_id(&cert, id);
        time = date_text(&cert, code);
    }
    wc_FreeDecodedCert(&cert);
    if (depth > 0)
        where = mem_printf(", certificate %d of its chain", depth + 1);
    char *why = mem_printf("%s certificate%s%s: %s%s", whose(p), id, where ? where : "",
                           tls_err_text(code), time ? time : "");
    mem_free(where);
    mem_free(time);
    return why;
}

static enum err judge_leaf(struct tls_peer_check *p, struct slice der, char why[TLS_DETAIL_MAX])
{
    const struct tls_ctx *c = p->ctx;
    struct slice expect = slice_from_cstr(p->expect);
    if (c->role == TLS_PUBLIC_SERVER)
        return tls_verify_client(der, &p->identity, why);
    if (c->san_dns_count || c->san_uri_count)
        return tls_verify_sans(der, c->san_dns, c->san_dns_count, c->san_uri, c->san_uri_count,
                               why);
    if (c->trust_domain || expect.len)
        return tls_verify_svid(der, slice_from_cstr(c->trust_domain), expect, &p->identity, why);
    return tls_verify_host(der, slice_from_cstr(p->server_name), why);
}

/* One certificate of the chain, from its end to the leaf. */
static int judge(struct tls_peer_check *p, int chain_ok, const WOLFSSL_X509_STORE_CTX *store)
{
    char why[TLS_DETAIL_MAX];
    int depth = store->error_depth;
    if (depth < 0 || depth >= store->totalCerts)
        return 0;
    const WOLFSSL_BUFFER_INFO *cert = &store->certs[depth];
    struct slice der = slice_of(cert->buffer, cert->length);
    if (!chain_ok) {
        bool dated = tls_err_from(store->error) == ERR_EXPIRED;
        say(p, dated ? ERR_EXPIRED : ERR_UNTRUSTED, chain_reason(p, der, depth, store->error));
        return 0;
    }
    if (depth > 0 || p->leaf_accepted)
        return depth > 0;
    enum err e = judge_leaf(p, der, why);
    if (e) {
        say(p, e, mem_printf("%s certificate: %s", whose(p), why));
        return 0;
    }
    p->leaf_accepted = true;
    return 1;
}

/* A client that need not be known: from the first failure on its certificate counts as none, and
 * the handshake goes on. wolfSSL would take an issuer that was let pass for one of the roots, for
 * this and every later connection, unless it verifies nothing from there down to the leaf. */
static int pass_over(struct tls_peer_check *p, int depth)
{
    tls_verify_destroy(p->identity);
    mem_free(p->why);
    p->identity = NULL;
    p->why = NULL;
    p->verdict = ERR_OK;
    p->leaf_accepted = false;
    p->passed_over = true;
    wolfSSL_set_verify(p->ssl, depth > 0 ? WOLFSSL_VERIFY_NONE : WOLFSSL_VERIFY_PEER,
                       tls_peer_verify);
    return 1;
}

int tls_peer_verify(int chain_ok, WOLFSSL_X509_STORE_CTX *store)
{
    struct tls_peer_check *p = store->userCtx;
    bool lenient = p->ctx->role == TLS_PUBLIC_SERVER && p->ctx->peer_cert_optional;
    /* An empty certificate message comes here too. */
    if (store->totalCerts == 0)
        return chain_ok && p->ctx->peer_cert_optional;
    if (!p->passed_over && judge(p, chain_ok, store))
        return 1;
    return lenient ? pass_over(p, store->error_depth) : 0;
}

enum err tls_peer_finish(struct tls_peer_check *p)
{
    drop_wishes(p);
    if (!tls_ctx_needs_peer(p->ctx) || p->leaf_accepted)
        return ERR_OK;
    say(p, ERR_UNTRUSTED, mem_printf("the %s showed no certificate that was verified", whose(p)));
    return p->verdict;
}
