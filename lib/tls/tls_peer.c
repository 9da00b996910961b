/* Judging the peer's certificate inside the handshake, so that a refused peer gets an alert and
 * never a byte of data; and again when the roots have changed. Owned by its connection. Must not
 * know of records. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_peer.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/asn_time.h"
#include "lib/tls/tls_chain.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/x509_priv.h"

#include <wolfssl/error-ssl.h>

enum { ID_SHOWN_MAX = 150 };

/* Alerts (RFC 8446 §6.2). */
enum { BAD_CERTIFICATE = 42, CERTIFICATE_EXPIRED = 45, UNKNOWN_CA = 48, LEVEL_FATAL = 2 };

/* wolfSSL's own, which its headers do not declare. Left to itself it can tell a peer no more than
 * that it knows no issuer, which is never the reason here. Without it the alert is less exact. */
extern int SendAlert(WOLFSSL *ssl, int severity, int type) __attribute__((weak));

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
    tls_evidence_release(p->evidence);
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

/* The sentence for a certificate that the path to the roots failed at. */
static char *chain_reason(const struct tls_peer_check *p, const struct slice *certs,
                          const struct tls_chain_verdict *verdict)
{
    DecodedCert cert;
    struct slice der = certs[verdict->depth];
    char id[ID_SHOWN_MAX + 4] = "";
    char *time = NULL, *where = NULL;
    if (verdict->is_root)
        return mem_printf("%s certificate: the root that vouches for it: %s", whose(p),
                          tls_err_text(verdict->code));
    wc_InitDecodedCert(&cert, (const byte *)der.ptr, (word32)der.len, NULL);
    if (wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL) == 0) {
        claimed_id(&cert, id);
        time = date_text(&cert, verdict->code);
    }
    wc_FreeDecodedCert(&cert);
    if (verdict->depth > 0)
        where = mem_printf(", certificate %zu of its chain", verdict->depth + 1);
    char *why = mem_printf("%s certificate%s%s: %s%s", whose(p), id, where ? where : "",
                           tls_err_text(verdict->code), time ? time : "");
    mem_free(where);
    mem_free(time);
    return why;
}

/* server_name, expect: empty when they are not asked about. */
static enum err judge_leaf(const struct tls_ctx *c, struct slice server_name, struct slice expect,
                           struct slice der, struct tls_identity **out, char why[TLS_DETAIL_MAX])
{
    if (c->role == TLS_PUBLIC_SERVER)
        return tls_verify_client(der, out, why);
    if (c->san_dns_count || c->san_uri_count)
        return tls_verify_sans(der, c->san_dns, c->san_dns_count, c->san_uri, c->san_uri_count,
                               why);
    if (c->trust_domain || expect.len)
        return tls_verify_svid(der, slice_from_cstr(c->trust_domain), expect, out, why);
    return tls_verify_host(der, server_name, why);
}

static enum err check_path_length(const struct tls_ctx *c, const struct tls_chain_verdict *good,
                                  char why[TLS_DETAIL_MAX])
{
    if (!c->limits_path || good->between <= c->path_max)
        return ERR_OK;
    return tls_err_say(ERR_UNTRUSTED, why,
                       "between it and the root are %zu certificates, and %zu are allowed",
                       good->between, c->path_max);
}

static size_t list_certs(const WOLFSSL_X509_STORE_CTX *store, struct slice list[TLS_CHAIN_MAX])
{
    size_t count = store->totalCerts < TLS_CHAIN_MAX ? (size_t)store->totalCerts : TLS_CHAIN_MAX;
    for (size_t i = 0; i < count; i++)
        list[i] = slice_of(store->certs[i].buffer, store->certs[i].length);
    return count;
}

/* Everything about the peer's certificate, before wolfSSL has looked at more than one of the list.
 */
static void judge(struct tls_peer_check *p, const struct slice *certs, size_t count)
{
    char why[TLS_DETAIL_MAX];
    struct tls_chain_verdict verdict = tls_chain_verify(p->ctx->roots, certs, count, false);
    p->is_judged = true;
    if (verdict.code) {
        bool dated = tls_err_from(verdict.code) == ERR_EXPIRED;
        p->is_unknown = verdict.code == ASN_NO_SIGNER_E || verdict.code == ASN_SELF_SIGNED_E;
        say(p, dated ? ERR_EXPIRED : ERR_UNTRUSTED, chain_reason(p, certs, &verdict));
        return;
    }
    enum err e = check_path_length(p->ctx, &verdict, why);
    if (!e)
        e = judge_leaf(p->ctx, slice_from_cstr(p->server_name), slice_from_cstr(p->expect),
                       certs[0], &p->identity, why);
    if (e) {
        say(p, e, mem_printf("%s certificate: %s", whose(p), why));
        return;
    }
    memcpy(p->anchor, verdict.anchor, DIGEST_SIZE);
    p->evidence = tls_evidence_take(certs, count);
    p->leaf_accepted = true;
}

/* wolfSSL knows no roots and says so of every certificate; what else it finds wrong with the leaf
 * (its use, its key) counts. */
static void hear(struct tls_peer_check *p, const WOLFSSL_X509_STORE_CTX *store)
{
    bool expected = store->error == ASN_NO_SIGNER_E || store->error == ASN_SELF_SIGNED_E;
    if (!p->leaf_accepted || store->error_depth > 0 || expected)
        return;
    p->leaf_accepted = false;
    say(p, ERR_UNTRUSTED, mem_printf("%s certificate: %s", whose(p), tls_err_text(store->error)));
}

/* A client that need not be known: its certificate counts as none, and the handshake goes on. */
static void pass_over(struct tls_peer_check *p)
{
    tls_verify_destroy(p->identity);
    tls_evidence_release(p->evidence);
    mem_free(p->why);
    p->identity = NULL;
    p->evidence = NULL;
    p->why = NULL;
    p->verdict = ERR_OK;
    p->passed_over = true;
}

static void send_alert(struct tls_peer_check *p)
{
    int description = BAD_CERTIFICATE;
    if (!SendAlert || p->has_alerted)
        return;
    if (p->verdict == ERR_EXPIRED)
        description = CERTIFICATE_EXPIRED;
    else if (p->is_unknown)
        description = UNKNOWN_CA;
    (void)SendAlert(p->ssl, LEVEL_FATAL, description);
    p->has_alerted = true;
}

/* Called for each certificate of the list from its end to the leaf, and for the leaf perhaps twice.
 * An issuer that is let pass would become one of the context's roots, unless wolfSSL verifies
 * nothing from there down to the leaf. */
int tls_peer_verify(int chain_ok, WOLFSSL_X509_STORE_CTX *store)
{
    struct tls_peer_check *p = store->userCtx;
    struct slice certs[TLS_CHAIN_MAX];
    int mode = tls_conn_verify_mode(p->ctx);
    /* An empty certificate message comes here too. */
    if (store->totalCerts == 0)
        return chain_ok && p->ctx->peer_cert_optional;
    if (!p->is_judged)
        judge(p, certs, list_certs(store, certs));
    if (!chain_ok)
        hear(p, store);
    if (!p->leaf_accepted && !p->passed_over) {
        if (p->ctx->role != TLS_PUBLIC_SERVER || !p->ctx->peer_cert_optional ||
            p->ctx->refuses_bad) {
            send_alert(p);
            return 0;
        }
        pass_over(p);
    }
    wolfSSL_set_verify(p->ssl, store->error_depth > 0 ? WOLFSSL_VERIFY_NONE : mode,
                       tls_peer_verify);
    return 1;
}

enum err tls_peer_finish(struct tls_peer_check *p)
{
    drop_wishes(p);
    if (!tls_ctx_needs_peer(p->ctx) || p->leaf_accepted)
        return ERR_OK;
    say(p, ERR_UNTRUSTED, mem_printf("the %s showed no certificate that was verified", whose(p)));
    return p->verdict;
}

static enum err review_path(const struct tls_peer_check *p, const struct tls_ctx *by,
                            char why[TLS_DETAIL_MAX])
{
    const struct tls_evidence *shown = p->evidence;
    if (by->roots && tls_roots_have(by->roots, p->anchor))
        return ERR_OK;
    struct tls_chain_verdict v = tls_chain_verify(by->roots, shown->certs, shown->count, true);
    return v.code ? tls_err_say(ERR_UNTRUSTED, why, "%s", tls_err_text(v.code)) : ERR_OK;
}

enum err tls_peer_review(const struct tls_peer_check *p, const struct tls_ctx *by,
                         const struct tls_conn_options *options, char why[TLS_DETAIL_MAX])
{
    struct slice expect = options ? options->expect_spiffe_id : (struct slice){NULL, 0};
    struct slice name = options ? options->server_name : (struct slice){NULL, 0};
    struct tls_identity *unused = NULL;
    if (by == p->ctx || !tls_ctx_judges_peer(by))
        return ERR_OK;
    if (!p->evidence && by->peer_cert_optional)
        return ERR_OK;
    if (!p->evidence)
        return tls_err_say(ERR_UNTRUSTED, why, "it showed no certificate that was verified");
    enum err e = review_path(p, by, why);
    bool only_host = by->role == TLS_CLIENT && !by->san_dns_count && !by->san_uri_count;
    if (e || (only_host && !name.len && !expect.len))
        return e;
    e = judge_leaf(by, name, expect, p->evidence->certs[0], &unused, why);
    tls_verify_destroy(unused);
    return e;
}
