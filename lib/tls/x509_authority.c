/* A CA certificate with its key, loaded and checked. Any thread, one at a time. Must not know what
 * is issued to whom.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/der.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/x509_key.h"
#include "lib/tls/x509_priv.h"

/* The value of an extension, found in the certificate's bytes: the parser keeps only a hash of key
 * identifiers, and an issued certificate must repeat the issuer's exactly. */
static struct slice find_extension(struct slice der, struct slice oid)
{
    struct der_item item, field, value;
    if (!der_next(&der, &item))
        return (struct slice){NULL, 0};
    struct slice rest = item.content;
    if (!der_next(&rest, &item))
        return (struct slice){NULL, 0};
    rest = item.content;
    while (der_next(&rest, &item) && item.tag != DER_CONTEXT_CONSTRUCTED(3))
        ;
    rest = item.content;
    if (item.tag != DER_CONTEXT_CONSTRUCTED(3) || !der_next(&rest, &item))
        return (struct slice){NULL, 0};
    for (rest = item.content; der_next(&rest, &item);) {
        struct slice fields = item.content;
        if (!der_next(&fields, &field) || !slice_eq(field.content, oid))
            continue;
        while (der_next(&fields, &value) && value.tag != DER_OCTET_STRING)
            ;
        return value.tag == DER_OCTET_STRING ? value.content : (struct slice){NULL, 0};
    }
    return (struct slice){NULL, 0};
}

static void find_key_id(struct x509_authority *a)
{
    static const struct slice oid = {"\x55\x1d\x0e", 3};
    struct slice value = find_extension(slice_of(a->der, a->der_len), oid);
    struct der_item id;
    if (der_next(&value, &id) && id.tag == DER_OCTET_STRING &&
        id.content.len <= sizeof(a->key_id)) {
        memcpy(a->key_id, id.content.ptr, id.content.len);
        a->key_id_len = id.content.len;
    }
}

static enum err check_is_ca(const DecodedCert *cert, char detail[TLS_DETAIL_MAX])
{
    if (!cert->isCA)
        return tls_err_say(ERR_INVALID, detail,
                           "CA certificate: its basic constraints lack CA:TRUE");
    if (cert->extKeyUsageSet && !(cert->extKeyUsage & KEYUSE_KEY_CERT_SIGN))
        return tls_err_say(ERR_INVALID, detail, "CA certificate: its key usage lacks keyCertSign");
    return ERR_OK;
}

static enum err check_key(const DecodedCert *cert, ecc_key *key, char detail[TLS_DETAIL_MAX])
{
    ecc_key in_cert;
    struct slice spki = slice_of(cert->publicKey, cert->pubKeySize);
    if (x509_key_from_public(spki, &in_cert))
        return tls_err_say(ERR_UNSUPPORTED, detail, "CA certificate: its key is not ECDSA P-256");
    int different = wc_ecc_cmp_point(&in_cert.pubkey, &key->pubkey);
    wc_ecc_free(&in_cert);
    if (different)
        return tls_err_say(ERR_INVALID, detail,
                           "CA certificate: it does not belong to the private key");
    return ERR_OK;
}

/* Whole, with the header that the parser strips. */
static void keep_subject(struct x509_authority *a, const DecodedCert *cert)
{
    struct der_writer w;
    size_t capacity = (size_t)cert->subjectRawLen + 8;
    uint8_t *buffer = mem_alloc(capacity);
    der_writer_init(&w, buffer, capacity);
    der_value(&w, DER_SEQUENCE, slice_of(cert->subjectRaw, (size_t)cert->subjectRawLen));
    struct slice name = der_result(&w);
    a->subject = mem_alloc(name.len);
    a->subject_len = name.len;
    memcpy(a->subject, name.ptr, name.len);
    mem_free(buffer);
}

static enum err make_manager(struct x509_authority *a, char detail[TLS_DETAIL_MAX])
{
    a->manager = wolfSSL_CertManagerNew();
    if (!a->manager)
        return tls_err_say(ERR_CRYPTO, detail, "CA certificate: out of resources");
    int code = wolfSSL_CertManagerLoadCABuffer_ex(a->manager, a->der, (long)a->der_len,
                                                  WOLFSSL_FILETYPE_ASN1, 0,
                                                  WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY);
    if (code == WOLFSSL_SUCCESS)
        return ERR_OK;
    return tls_err_say(ERR_INVALID, detail, "CA certificate: %s", tls_err_text(code));
}

static enum err load(struct x509_authority *a, const DecodedCert *cert, char detail[TLS_DETAIL_MAX])
{
    enum err e = check_is_ca(cert, detail);
    if (!e)
        e = check_key(cert, &a->key, detail);
    if (!e)
        e = make_manager(a, detail);
    if (e)
        return e;
    a->not_before_ms = x509_date_ms(cert->beforeDate, cert->beforeDateLen);
    a->not_after_ms = x509_date_ms(cert->afterDate, cert->afterDateLen);
    a->only_leaves = cert->pathLengthSet && cert->pathLength == 0;
    keep_subject(a, cert);
    find_key_id(a);
    return ERR_OK;
}

enum err x509_authority_load(struct slice cert_pem, struct slice key_pem,
                             struct x509_authority **out, char detail[TLS_DETAIL_MAX])
{
    struct x509_authority *a = mem_zalloc(sizeof(*a));
    DecodedCert cert;
    enum err e = x509_key_open(key_pem, &a->key, detail);
    if (e) {
        mem_free(a);
        return e;
    }
    e = x509_open_cert(cert_pem, &cert, &a->der, &a->der_len, detail);
    if (e) {
        a->der = NULL;
        x509_authority_destroy(a);
        return e;
    }
    e = load(a, &cert, detail);
    wc_FreeDecodedCert(&cert);
    if (e) {
        x509_authority_destroy(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

void x509_authority_destroy(struct x509_authority *a)
{
    if (!a)
        return;
    if (a->manager)
        wolfSSL_CertManagerFree(a->manager);
    wc_ecc_free(&a->key);
    mem_free(a->subject);
    mem_free(a->der);
    mem_free(a);
}

int64_t x509_authority_not_after_ms(const struct x509_authority *a)
{
    return a->not_after_ms;
}
