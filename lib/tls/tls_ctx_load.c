/* Roots, chains and keys into a WOLFSSL_CTX. Any thread, before the context is shared.
 * Must not know what the context is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_ctx_load.h"

#include "lib/base/mem.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/tls_key_match.h"

enum { ROOTS_MAX = 512, CHAIN_MAX = 9 };

/* wolfSSL would take any certificate as an anchor, even a workload's. */
static const char *why_no_ca(struct slice der)
{
    DecodedCert cert;
    const char *why = NULL;
    wc_InitDecodedCert(&cert, (const byte *)der.ptr, (word32)der.len, NULL);
    int code = wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL);
    if (code)
        why = tls_err_text(code);
    else if (!cert.isCA)
        why = "it is not a CA certificate";
    else if (cert.extKeyUsageSet && !(cert.extKeyUsage & KEYUSE_KEY_CERT_SIGN))
        why = "its key usage lacks keyCertSign";
    wc_FreeDecodedCert(&cert);
    return why;
}

static enum err load_root(WOLFSSL_CTX *lib, const struct pem_block *block, unsigned index,
                          unsigned *loaded, char detail[TLS_DETAIL_MAX])
{
    uint8_t *der;
    size_t len;
    if (!slice_eq_cstr(block->label, "CERTIFICATE"))
        return tls_err_say(ERR_SYNTAX, detail, "roots: block %u is no CERTIFICATE", index);
    enum err e = pem_decode(block, &der, &len);
    if (e)
        return tls_err_say(e, detail, "roots: block %u is not base64", index);
    const char *why = why_no_ca(slice_of(der, len));
    if (why) {
        mem_free(der);
        return tls_err_say(ERR_INVALID, detail, "roots: certificate %u: %s", index, why);
    }
    int code = wolfSSL_CTX_load_verify_buffer(lib, der, (long)len, WOLFSSL_FILETYPE_ASN1);
    mem_free(der);
    if (code == ASN_AFTER_DATE_E || code == ASN_BEFORE_DATE_E)
        return ERR_OK;
    if (code != WOLFSSL_SUCCESS)
        return tls_err_say(ERR_INVALID, detail, "roots: certificate %u: %s", index,
                           tls_err_text(code));
    ++*loaded;
    return ERR_OK;
}

enum err tls_ctx_load_roots(WOLFSSL_CTX *lib, struct slice pem, char detail[TLS_DETAIL_MAX])
{
    struct pem_block block;
    unsigned loaded = 0, index = 0;
    for (;;) {
        enum err e = pem_next(&pem, &block);
        if (e == ERR_EOF)
            break;
        if (!e && ++index > ROOTS_MAX)
            return tls_err_say(ERR_LIMIT, detail, "roots: more than %d certificates", ROOTS_MAX);
        if (e)
            return tls_err_say(e, detail, "roots: block %u is malformed PEM", index + 1);
        e = load_root(lib, &block, index, &loaded, detail);
        if (e)
            return e;
    }
    if (index == 0)
        return tls_err_say(ERR_SYNTAX, detail, "roots: no PEM block CERTIFICATE");
    if (loaded == 0)
        return tls_err_say(ERR_EXPIRED, detail,
                           "roots: all %u certificates have expired or are not valid yet", index);
    return ERR_OK;
}

static enum err check_chain(struct slice pem, char detail[TLS_DETAIL_MAX])
{
    struct pem_block block;
    unsigned count = 0;
    enum err e;
    while (!(e = pem_next(&pem, &block))) {
        count++;
        if (!slice_eq_cstr(block.label, "CERTIFICATE"))
            return tls_err_say(ERR_SYNTAX, detail, "certificate chain: block %u is no CERTIFICATE",
                               count);
    }
    if (e != ERR_EOF)
        return tls_err_say(e, detail, "certificate chain: block %u is malformed PEM", count + 1);
    if (count == 0)
        return tls_err_say(ERR_SYNTAX, detail, "certificate chain: no PEM block CERTIFICATE");
    if (count > CHAIN_MAX)
        return tls_err_say(ERR_LIMIT, detail, "certificate chain: more than %d certificates",
                           CHAIN_MAX);
    return ERR_OK;
}

enum err tls_ctx_load_chain(WOLFSSL_CTX *lib, struct slice chain_pem, struct slice key_pem,
                            char detail[TLS_DETAIL_MAX])
{
    enum err e = check_chain(chain_pem, detail);
    if (e)
        return e;
    int code = wolfSSL_CTX_use_certificate_chain_buffer_format(
        lib, (const unsigned char *)chain_pem.ptr, (long)chain_pem.len, WOLFSSL_FILETYPE_PEM);
    if (code != WOLFSSL_SUCCESS)
        return tls_err_say(ERR_INVALID, detail, "certificate chain: %s", tls_err_text(code));
    code = wolfSSL_CTX_use_PrivateKey_buffer(lib, (const unsigned char *)key_pem.ptr,
                                             (long)key_pem.len, WOLFSSL_FILETYPE_PEM);
    if (code != WOLFSSL_SUCCESS)
        return tls_err_say(ERR_INVALID, detail, "private key: %s", tls_err_text(code));
    if (!tls_key_match(chain_pem, key_pem))
        return tls_err_say(ERR_INVALID, detail,
                           "private key: it does not belong to the first certificate of the chain");
    return ERR_OK;
}
