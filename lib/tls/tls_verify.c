/* The SPIFFE X.509-SVID rules and host name matching, on one DER certificate. Pure; any thread.
 * Must not know whether the chain is valid: wolfSSL has decided that before.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_verify.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/digest.h"
#include "lib/tls/spiffe.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/tls_priv.h"
#include "lib/tls/x509_priv.h"
#include "lib/tls/x509_subject.h"

enum { SHOWN_MAX = 100, NAMES_MAX = 2048 };

static struct slice shown(struct slice s)
{
    return slice_sub(s, 0, SHOWN_MAX);
}

static enum err parse(DecodedCert *cert, struct slice der, char detail[TLS_DETAIL_MAX])
{
    wc_InitDecodedCert(cert, (const byte *)der.ptr, (word32)der.len, NULL);
    int code = wc_ParseCert(cert, CERT_TYPE, NO_VERIFY, NULL);
    if (code == 0)
        return ERR_OK;
    wc_FreeDecodedCert(cert);
    return tls_err_say(ERR_UNTRUSTED, detail, "%s", tls_err_text(code));
}

static enum err find_uri(const DecodedCert *cert, struct slice *uri, char detail[TLS_DETAIL_MAX])
{
    size_t count = 0;
    for (const DNS_entry *e = cert->altNames; e; e = e->next) {
        if (e->type != ASN_URI_TYPE)
            continue;
        *uri = slice_of(e->name, (size_t)e->len);
        count++;
    }
    if (count == 1)
        return ERR_OK;
    if (count == 0)
        return tls_err_say(ERR_UNTRUSTED, detail, "it has no URI SAN, so it names no identity");
    return tls_err_say(ERR_UNTRUSTED, detail, "it has %zu URI SANs, exactly one is allowed", count);
}

static enum err check_usage(const DecodedCert *cert, char detail[TLS_DETAIL_MAX])
{
    const char *why = NULL;
    byte both = EXTKEYUSE_SERVER_AUTH | EXTKEYUSE_CLIENT_AUTH;
    if (cert->version != 2)
        why = "it is not an X.509 version 3 certificate";
    else if (cert->isCA)
        why = "it is a CA certificate, which must not be used to authenticate";
    else if (!cert->extKeyUsageSet || !(cert->extKeyUsage & KEYUSE_DIGITAL_SIG))
        why = "its key usage lacks digitalSignature";
    else if (cert->extKeyUsage & (KEYUSE_KEY_CERT_SIGN | KEYUSE_CRL_SIGN))
        why = "its key usage allows signing certificates or CRLs";
    else if (cert->extExtKeyUsageSet && (cert->extExtKeyUsage & both) != both)
        why = "its extended key usage must allow both server and client authentication";
    return why ? tls_err_say(ERR_UNTRUSTED, detail, "%s", why) : ERR_OK;
}

static enum err check_id(struct slice uri, struct slice trust_domain, struct slice expect,
                         char detail[TLS_DETAIL_MAX])
{
    struct spiffe_id id;
    struct slice show = shown(uri);
    if (spiffe_parse(uri, &id))
        return tls_err_say(ERR_UNTRUSTED, detail, "its URI SAN '%.*s' is not a valid SPIFFE ID",
                           SLICE_ARG(show));
    if (slice_is_empty(id.path))
        return tls_err_say(ERR_UNTRUSTED, detail, "its SPIFFE ID '%.*s' has no path",
                           SLICE_ARG(show));
    if (expect.len && !slice_eq(uri, expect))
        return tls_err_say(ERR_UNTRUSTED, detail, "expected '%.*s' but the peer is '%.*s'",
                           SLICE_ARG(shown(expect)), SLICE_ARG(show));
    if (trust_domain.len && !slice_eq(id.trust_domain, trust_domain))
        return tls_err_say(ERR_UNTRUSTED, detail, "'%.*s' is of another trust domain than '%.*s'",
                           SLICE_ARG(show), SLICE_ARG(shown(trust_domain)));
    return ERR_OK;
}

/* ---- names of clients ---- */

struct names {
    char text[NAMES_MAX];
    size_t len;
};

/* What is too long, or has a NUL to look like another, is none. */
static void add_name(struct names *n, struct slice name, bool lower)
{
    if (!name.len || memchr(name.ptr, 0, name.len) || name.len >= NAMES_MAX - n->len)
        return;
    if (lower)
        slice_lower(name, n->text + n->len);
    else
        memcpy(n->text + n->len, name.ptr, name.len);
    n->len += name.len;
    n->text[n->len++] = 0;
}

static void add_address(struct names *n, struct slice bytes)
{
    char text[INET6_ADDRSTRLEN];
    int family = bytes.len == 4 ? AF_INET : AF_INET6;
    if ((bytes.len == 4 || bytes.len == 16) && inet_ntop(family, bytes.ptr, text, sizeof(text)))
        add_name(n, slice_from_cstr(text), false);
}

static void find_names(const DecodedCert *cert, struct names *n)
{
    n->len = 0;
    for (const DNS_entry *e = cert->altNames; e; e = e->next) {
        struct slice name = slice_of(e->name, e->len > 0 ? (size_t)e->len : 0);
        if (e->type == ASN_IP_TYPE)
            add_address(n, name);
        else if (e->type == ASN_DNS_TYPE || e->type == ASN_URI_TYPE || e->type == ASN_RFC822_TYPE)
            add_name(n, name, e->type == ASN_DNS_TYPE);
    }
    if (!cert->altNames && cert->subjectCN && cert->subjectCNLen > 0)
        add_name(n, slice_of(cert->subjectCN, (size_t)cert->subjectCNLen), false);
}

/* ---- what is kept ---- */

static struct tls_identity *make_identity(const DecodedCert *cert, struct slice der,
                                          struct slice uri, struct slice names)
{
    char subject[X509_SUBJECT_MAX];
    struct slice raw = slice_of(cert->subjectRaw, (size_t)cert->subjectRawLen);
    size_t subject_len = x509_subject_text(raw, subject);
    struct tls_identity *id = mem_alloc(sizeof(*id) + uri.len + subject_len + names.len);
    if (uri.len)
        memcpy(id->storage, uri.ptr, uri.len);
    memcpy(id->storage + uri.len, subject, subject_len);
    char *at = id->storage + uri.len + subject_len;
    if (names.len)
        memcpy(at, names.ptr, names.len);
    id->names = slice_of(at, names.len);
    id->spiffe_id = slice_of(id->storage, uri.len);
    id->subject = slice_of(id->storage + uri.len, subject_len);
    id->not_after_ms = x509_date_ms(cert->afterDate, cert->afterDateLen);
    digest_sha256(der, id->cert_sha256);
    return id;
}

enum err tls_verify_svid(struct slice der, struct slice trust_domain, struct slice expect,
                         struct tls_identity **out, char detail[TLS_DETAIL_MAX])
{
    DecodedCert cert;
    struct slice uri = {NULL, 0};
    enum err e = parse(&cert, der, detail);
    if (e)
        return e;
    e = find_uri(&cert, &uri, detail);
    if (!e)
        e = check_usage(&cert, detail);
    if (!e)
        e = check_id(uri, trust_domain, expect, detail);
    if (!e && out)
        *out = make_identity(&cert, der, uri, (struct slice){NULL, 0});
    wc_FreeDecodedCert(&cert);
    return e;
}

static bool dns_matches(struct slice pattern, struct slice host)
{
    if (slice_eq_nocase(pattern, host))
        return true;
    if (!slice_starts_with(pattern, SLICE("*.")))
        return false;
    struct slice suffix = slice_sub(pattern, 1, pattern.len);
    size_t dot = slice_find_byte(host, '.');
    /* A wildcard for a whole top-level domain is nobody's certificate. */
    return dot > 0 && slice_find_byte(slice_sub(suffix, 1, suffix.len), '.') < suffix.len - 1 &&
           slice_eq_nocase(slice_sub(host, dot, host.len), suffix);
}

/* 4 or 16 when host is an address literal, else 0. */
static size_t address_of(struct slice host, uint8_t out[16])
{
    char text[INET6_ADDRSTRLEN];
    if (host.len >= sizeof(text))
        return 0;
    memcpy(text, host.ptr, host.len);
    text[host.len] = 0;
    if (inet_pton(AF_INET, text, out) == 1)
        return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static bool carries(const DecodedCert *cert, struct slice host)
{
    uint8_t address[16];
    size_t address_len = address_of(host, address);
    for (const DNS_entry *e = cert->altNames; e; e = e->next) {
        struct slice name = slice_of(e->name, (size_t)e->len);
        if (address_len && e->type == ASN_IP_TYPE && slice_eq(name, slice_of(address, address_len)))
            return true;
        if (!address_len && e->type == ASN_DNS_TYPE && dns_matches(name, host))
            return true;
    }
    return false;
}

/* A self-signed certificate with CA:TRUE is what many a development server shows, and then it is
 * itself among the roots: its being a CA is no fault. */
static enum err check_server_usage(const DecodedCert *cert, char detail[TLS_DETAIL_MAX])
{
    const char *why = NULL;
    if (cert->extKeyUsageSet && !(cert->extKeyUsage & KEYUSE_DIGITAL_SIG))
        why = "its key usage lacks digitalSignature";
    else if (cert->extExtKeyUsageSet &&
             !(cert->extExtKeyUsage & (EXTKEYUSE_SERVER_AUTH | EXTKEYUSE_ANY)))
        why = "its extended key usage lacks server authentication";
    return why ? tls_err_say(ERR_UNTRUSTED, detail, "%s", why) : ERR_OK;
}

enum err tls_verify_host(struct slice der, struct slice host, char detail[TLS_DETAIL_MAX])
{
    DecodedCert cert;
    enum err e = parse(&cert, der, detail);
    if (e)
        return e;
    bool ok = host.len && carries(&cert, host);
    e = check_server_usage(&cert, detail);
    wc_FreeDecodedCert(&cert);
    if (ok || e)
        return e;
    if (!host.len)
        return tls_err_say(ERR_UNTRUSTED, detail, "no name was given to check the server against");
    return tls_err_say(ERR_UNTRUSTED, detail, "it does not carry the name '%.*s'",
                       SLICE_ARG(shown(host)));
}

static bool carries_one(const DecodedCert *cert, const struct slice *dns, size_t dns_count,
                        const struct slice *uris, size_t uri_count)
{
    for (size_t i = 0; i < dns_count; i++) {
        if (carries(cert, dns[i]))
            return true;
    }
    for (const DNS_entry *e = cert->altNames; e; e = e->next) {
        for (size_t i = 0; e->type == ASN_URI_TYPE && i < uri_count; i++) {
            if (slice_eq(slice_of(e->name, (size_t)e->len), uris[i]))
                return true;
        }
    }
    return false;
}

enum err tls_verify_sans(struct slice der, const struct slice *dns, size_t dns_count,
                         const struct slice *uris, size_t uri_count, char detail[TLS_DETAIL_MAX])
{
    DecodedCert cert;
    enum err e = parse(&cert, der, detail);
    if (e)
        return e;
    e = check_server_usage(&cert, detail);
    if (!e && !carries_one(&cert, dns, dns_count, uris, uri_count)) {
        struct slice first = shown(dns_count ? dns[0] : uris[0]);
        e = tls_err_say(ERR_UNTRUSTED, detail, "it carries none of the names '%.*s'%s",
                        SLICE_ARG(first), dns_count + uri_count > 1 ? ", ..." : "");
    }
    wc_FreeDecodedCert(&cert);
    return e;
}

static enum err check_client_usage(const DecodedCert *cert, char detail[TLS_DETAIL_MAX])
{
    const char *why = NULL;
    if (cert->isCA)
        why = "it is a CA certificate, which must not be used to authenticate";
    else if (cert->extKeyUsageSet && !(cert->extKeyUsage & KEYUSE_DIGITAL_SIG))
        why = "its key usage lacks digitalSignature";
    else if (cert->extExtKeyUsageSet &&
             !(cert->extExtKeyUsage & (EXTKEYUSE_CLIENT_AUTH | EXTKEYUSE_ANY)))
        why = "its extended key usage lacks client authentication";
    return why ? tls_err_say(ERR_UNTRUSTED, detail, "%s", why) : ERR_OK;
}

enum err tls_verify_client(struct slice der, struct tls_identity **out, char detail[TLS_DETAIL_MAX])
{
    DecodedCert cert;
    enum err e = parse(&cert, der, detail);
    if (e)
        return e;
    e = check_client_usage(&cert, detail);
    if (!e && out) {
        struct names names;
        find_names(&cert, &names);
        *out = make_identity(&cert, der, (struct slice){NULL, 0}, slice_of(names.text, names.len));
    }
    wc_FreeDecodedCert(&cert);
    return e;
}

void tls_verify_destroy(struct tls_identity *id)
{
    mem_free(id);
}
