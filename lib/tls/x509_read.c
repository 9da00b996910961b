/* What a certificate says of itself, unverified. Pure; any thread.
 * Must not know what it is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/x509.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/asn_time.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/x509_priv.h"

int64_t x509_date_ms(const byte *date, int len)
{
    int64_t ms = 0;
    struct slice raw = slice_of(date, len > 0 ? (size_t)len : 0);
    if (raw.len < 2 || asn_time_read((uint8_t)raw.ptr[0], slice_sub(raw, 2, raw.len), &ms))
        return 0;
    return ms;
}

enum err x509_open_cert(struct slice pem, DecodedCert *cert, uint8_t **der, size_t *len,
                        char detail[TLS_DETAIL_MAX])
{
    enum err e = pem_find(pem, "CERTIFICATE", NULL, der, len);
    if (e)
        return tls_err_say(e == ERR_NOT_FOUND ? ERR_SYNTAX : e, detail,
                           "certificate: no readable PEM block CERTIFICATE");
    wc_InitDecodedCert(cert, *der, (word32)*len, NULL);
    int code = wc_ParseCert(cert, CERT_TYPE, NO_VERIFY, NULL);
    if (code == 0)
        return ERR_OK;
    wc_FreeDecodedCert(cert);
    mem_free(*der);
    return tls_err_say(ERR_SYNTAX, detail, "certificate: %s", tls_err_text(code));
}

/* The only URI SAN, or NULL when there are none or several. */
static char *only_uri(const DecodedCert *cert)
{
    const DNS_entry *found = NULL;
    for (const DNS_entry *e = cert->altNames; e; e = e->next) {
        if (e->type != ASN_URI_TYPE)
            continue;
        if (found)
            return NULL;
        found = e;
    }
    if (!found || memchr(found->name, 0, (size_t)found->len))
        return NULL;
    return mem_strndup(found->name, (size_t)found->len);
}

static void write_serial(const DecodedCert *cert, char text[65])
{
    static const char digits[] = "0123456789abcdef";
    int n = cert->serialSz < 32 ? cert->serialSz : 32;
    for (int i = 0; i < n; i++) {
        text[2 * i] = digits[cert->serial[i] >> 4];
        text[2 * i + 1] = digits[cert->serial[i] & 15];
    }
    text[2 * n] = 0;
}

enum err x509_read(struct slice pem, struct x509_facts *out)
{
    DecodedCert cert;
    uint8_t *der;
    size_t len;
    enum err e = x509_open_cert(pem, &cert, &der, &len, NULL);
    if (e)
        return e;
    *out = (struct x509_facts){
        .not_before_ms = x509_date_ms(cert.beforeDate, cert.beforeDateLen),
        .not_after_ms = x509_date_ms(cert.afterDate, cert.afterDateLen),
        .spiffe_id = only_uri(&cert),
        .is_ca = cert.isCA,
        .is_self_issued = cert.selfSigned,
    };
    write_serial(&cert, out->serial);
    wc_FreeDecodedCert(&cert);
    mem_free(der);
    return ERR_OK;
}

void x509_facts_dispose(struct x509_facts *f)
{
    mem_free(f->spiffe_id);
    f->spiffe_id = NULL;
}
