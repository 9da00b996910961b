/* Chains and keys into a WOLFSSL_CTX. Any thread, before the context is shared.
 * Must not know what the context is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_ctx_load.h"

#include "lib/base/mem.h"
#include "lib/tls/digest.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/tls_key_match.h"
#include "lib/tls/x509_spki.h"

enum { CHAIN_MAX = 9 };

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

/* Of keys that it does not know the library says no more than that it cannot read them. */
static enum err check_kinds(struct slice chain_pem, struct slice key_pem,
                            char detail[TLS_DETAIL_MAX])
{
    static const char *const labels[2] = {"certificate chain: the key of its first certificate",
                                          "private key: it"};
    static const char of_use[] = "of use are ECDSA (P-256, P-384, P-521) and RSA (2048 to 4096)";
    char text[X509_SPKI_FLAW_MAX];
    const char *flaw = NULL;
    for (int i = 0; i < 2 && !flaw; i++) {
        uint8_t *der;
        size_t len;
        if (pem_find(i ? key_pem : chain_pem, i ? "PRIVATE KEY" : "CERTIFICATE", NULL, &der, &len))
            continue;
        flaw = i ? x509_spki_private_flaw(slice_of(der, len), text)
                 : x509_spki_flaw(slice_of(der, len), text);
        digest_wipe(der, len);
        mem_free(der);
        if (flaw)
            (void)tls_err_say(ERR_UNSUPPORTED, detail, "%s %s; %s", labels[i], flaw, of_use);
    }
    return flaw ? ERR_UNSUPPORTED : ERR_OK;
}

enum err tls_ctx_load_chain(WOLFSSL_CTX *lib, struct slice chain_pem, struct slice key_pem,
                            char detail[TLS_DETAIL_MAX])
{
    enum err e = check_chain(chain_pem, detail);
    if (!e)
        e = check_kinds(chain_pem, key_pem, detail);
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
