/* Certificate requests: making ours and reading others'. Pure but for the random generator; any
 * thread. Must not know who sent a request, nor what it will get.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/pem.h"
#include "lib/tls/spiffe.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/x509_build.h"
#include "lib/tls/x509_key.h"
#include "lib/tls/x509_priv.h"

enum { CSR_MAX = 16384 };

enum err x509_make_csr(struct slice key_pem, struct slice spiffe_id, char **csr_pem)
{
    ecc_key key;
    struct spiffe_id id;
    struct x509_name name = {X509_NAME_URI, spiffe_id};
    if (spiffe_parse(spiffe_id, &id))
        return ERR_INVALID;
    enum err e = x509_key_open(key_pem, &key, NULL);
    if (e)
        return e;
    e = x509_build_csr(&key, &name, 1, false, csr_pem);
    wc_ecc_free(&key);
    return e;
}

static enum err check_asked(const DecodedCert *cert, char detail[TLS_DETAIL_MAX])
{
    size_t uris = 0;
    for (const DNS_entry *e = cert->altNames; e; e = e->next)
        uris += e->type == ASN_URI_TYPE;
    if (uris > 1)
        return tls_err_say(ERR_DENIED, detail, "the request asks for %zu URI SANs", uris);
    if (cert->isCA)
        return tls_err_say(ERR_DENIED, detail, "the request asks for a CA certificate");
    if (cert->extKeyUsageSet && (cert->extKeyUsage & (KEYUSE_KEY_CERT_SIGN | KEYUSE_CRL_SIGN)))
        return tls_err_say(ERR_DENIED, detail,
                           "the request asks for a key that signs certificates or CRLs");
    return ERR_OK;
}

/* The key as the parser understood it, encoded anew: nothing of the sender's encoding goes on. */
static enum err take_key(const DecodedCert *cert, struct x509_csr *out, char detail[TLS_DETAIL_MAX])
{
    ecc_key key;
    size_t len;
    if (x509_key_from_public(slice_of(cert->publicKey, cert->pubKeySize), &key))
        return tls_err_say(ERR_UNSUPPORTED, detail, "the request's key is not ECDSA P-256");
    uint8_t *spki = mem_alloc(X509_SPKI_MAX);
    enum err e = x509_key_public(&key, spki, &len);
    wc_ecc_free(&key);
    if (e) {
        mem_free(spki);
        return tls_err_say(e, detail, "the request's key is not usable");
    }
    out->storage = spki;
    out->public_key_der = slice_of(spki, len);
    return ERR_OK;
}

static enum err take_uri(const DecodedCert *cert, struct x509_csr *out, char detail[TLS_DETAIL_MAX])
{
    for (const DNS_entry *e = cert->altNames; e; e = e->next) {
        if (e->type != ASN_URI_TYPE)
            continue;
        if (memchr(e->name, 0, (size_t)e->len))
            return tls_err_say(ERR_DENIED, detail, "the request's URI SAN holds a NUL byte");
        out->uri_san = mem_strndup(e->name, (size_t)e->len);
    }
    return ERR_OK;
}

enum err x509_parse_csr(struct slice csr_pem, struct x509_csr *out, char detail[TLS_DETAIL_MAX])
{
    uint8_t *der;
    size_t len;
    DecodedCert cert;
    *out = (struct x509_csr){0};
    if (csr_pem.len > CSR_MAX)
        return tls_err_say(ERR_LIMIT, detail, "the request is larger than %d bytes", CSR_MAX);
    if (pem_find(csr_pem, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", &der, &len))
        return tls_err_say(ERR_SYNTAX, detail,
                           "the request is not a PEM block CERTIFICATE REQUEST");
    wc_InitDecodedCert(&cert, der, (word32)len, NULL);
    int code = wc_ParseCert(&cert, CERTREQ_TYPE, VERIFY, NULL);
    enum err e = ERR_OK;
    if (code == ASN_SIG_CONFIRM_E)
        e = tls_err_say(ERR_DENIED, detail, "the request is not signed by the key it names");
    else if (code)
        e = tls_err_say(ERR_SYNTAX, detail, "the request cannot be read: %s", tls_err_text(code));
    if (!e)
        e = check_asked(&cert, detail);
    if (!e)
        e = take_key(&cert, out, detail);
    if (!e)
        e = take_uri(&cert, out, detail);
    wc_FreeDecodedCert(&cert);
    mem_free(der);
    if (e)
        x509_csr_dispose(out);
    return e;
}

void x509_csr_dispose(struct x509_csr *csr)
{
    mem_free(csr->uri_san);
    mem_free(csr->storage);
    *csr = (struct x509_csr){0};
}
