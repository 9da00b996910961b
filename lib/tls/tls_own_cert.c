/* Names and key of one of our own certificates, as the TLS library reads them. Pure; any thread.
 * Must not know contexts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_own_cert.h"

#include "lib/base/mem.h"
#include "lib/tls/x509_priv.h"

static enum tls_key_kind kind_of(const DecodedCert *cert)
{
    if (cert->keyOID == RSAk || cert->keyOID == RSAPSSk)
        return TLS_KEY_RSA;
    if (cert->keyOID == ED25519k)
        return TLS_KEY_ED25519;
    if (cert->keyOID != ECDSAk)
        return TLS_KEY_OTHER;
    switch (cert->pkCurveOID) {
    case ECC_SECP256R1_OID:
        return TLS_KEY_P256;
    case ECC_SECP384R1_OID:
        return TLS_KEY_P384;
    case ECC_SECP521R1_OID:
        return TLS_KEY_P521;
    default:
        return TLS_KEY_OTHER;
    }
}

static struct slice copy_lower(const DNS_entry *e)
{
    char *text = mem_strndup(e->name, (size_t)e->len);
    for (int i = 0; i < e->len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] + 32);
    return slice_of(text, (size_t)e->len);
}

void tls_own_cert_read(struct slice chain_pem, struct tls_own_cert *out)
{
    char why[TLS_DETAIL_MAX];
    DecodedCert cert;
    uint8_t *der;
    size_t len, count = 0;
    *out = (struct tls_own_cert){.key = TLS_KEY_ANY};
    if (x509_open_cert(chain_pem, &cert, &der, &len, why))
        return;
    for (const DNS_entry *n = cert.altNames; n; n = n->next)
        count += n->type == ASN_DNS_TYPE;
    out->key = kind_of(&cert);
    out->names = count ? mem_zalloc(count * sizeof(*out->names)) : NULL;
    for (const DNS_entry *n = cert.altNames; n; n = n->next)
        if (n->type == ASN_DNS_TYPE)
            out->names[out->name_count++] = copy_lower(n);
    wc_FreeDecodedCert(&cert);
    mem_free(der);
}

void tls_own_cert_dispose(struct tls_own_cert *c)
{
    for (size_t i = 0; i < c->name_count; i++)
        mem_free((char *)c->names[i].ptr);
    mem_free(c->names);
    *c = (struct tls_own_cert){0};
}

static bool is_wildcard_for(struct slice name, struct slice host)
{
    size_t dot = slice_find_byte(host, '.');
    return name.len > 2 && name.ptr[0] == '*' && dot > 0 && dot < host.len &&
           slice_eq(slice_sub(name, 1, name.len), slice_sub(host, dot, host.len));
}

int tls_own_cert_fits(const struct tls_own_cert *c, struct slice host)
{
    int best = 0;
    for (size_t i = 0; i < c->name_count && host.len; i++) {
        if (slice_eq(c->names[i], host))
            return 2;
        if (is_wildcard_for(c->names[i], host))
            best = 1;
    }
    return best;
}
