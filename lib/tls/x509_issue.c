/* Issuing: roots, intermediates and SVIDs, each checked before it leaves. Pure but for the random
 * generator; an authority is used by one thread at a time. Must not know who asked, nor the time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/tls/pem.h"
#include "lib/tls/spiffe.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/tls_verify.h"
#include "lib/tls/x509_build.h"
#include "lib/tls/x509_key.h"
#include "lib/tls/x509_priv.h"

enum { SERIAL_SIZE = 16, NAME_MAX_DER = 512, DNS_NAMES_MAX = 32, CA_ID_MAX = 300 };

struct serial {
    uint8_t bytes[SERIAL_SIZE];
};

/* 126 random bits with a fixed top, so that it is positive and always sixteen bytes long. */
static struct slice make_serial(struct serial *s)
{
    rand_secure(s->bytes, SERIAL_SIZE);
    s->bytes[0] = (uint8_t)((s->bytes[0] & 0x3f) | 0x40);
    return slice_of(s->bytes, SERIAL_SIZE);
}

/* Parse what was built as a peer would, against the issuer, all but the dates. */
static enum err check_built(WOLFSSL_CERT_MANAGER *manager, const char *pem, struct slice expect,
                            char detail[TLS_DETAIL_MAX])
{
    uint8_t *der;
    size_t len;
    DecodedCert cert;
    enum err e = pem_find(slice_from_cstr(pem), "CERTIFICATE", NULL, &der, &len);
    if (e)
        return e;
    wc_InitDecodedCert(&cert, der, (word32)len, NULL);
    int code = wc_ParseCert(&cert, CERT_TYPE, manager ? VERIFY_SKIP_DATE : NO_VERIFY, manager);
    wc_FreeDecodedCert(&cert);
    if (code)
        e = tls_err_say(ERR_CRYPTO, detail, "the new certificate does not verify: %s",
                        tls_err_text(code));
    else if (expect.len)
        e = tls_verify_svid(slice_of(der, len), (struct slice){NULL, 0}, expect, NULL, detail);
    mem_free(der);
    return e;
}

static enum err finish(const struct x509_spec *spec, ecc_key *signer, WOLFSSL_CERT_MANAGER *manager,
                       struct slice expect, char **cert_pem, char detail[TLS_DETAIL_MAX])
{
    char *pem;
    enum err e = x509_build_cert(spec, signer, &pem);
    if (e)
        return tls_err_say(e, detail, "the new certificate could not be made: %s", err_text(e));
    e = check_built(manager, pem, expect, detail);
    if (e) {
        mem_free(pem);
        return e;
    }
    *cert_pem = pem;
    return ERR_OK;
}

enum err x509_make_root(struct slice common_name, struct slice key_pem, int64_t not_before_ms,
                        int64_t not_after_ms, char **cert_pem)
{
    ecc_key key;
    struct serial serial;
    uint8_t name[NAME_MAX_DER], spki[X509_SPKI_MAX], id[X509_KEY_ID_SIZE];
    size_t spki_len;
    struct slice subject = x509_build_name(common_name, name, sizeof(name));
    if (not_after_ms <= not_before_ms || slice_is_empty(common_name) || slice_is_empty(subject))
        return ERR_INVALID;
    enum err e = x509_key_open(key_pem, &key, NULL);
    if (e)
        return e;
    e = x509_key_public(&key, spki, &spki_len);
    if (!e) {
        x509_key_id(slice_of(spki, spki_len), id);
        struct x509_spec spec = {
            .serial = make_serial(&serial),
            .issuer = subject,
            .subject = subject,
            .not_before_ms = not_before_ms,
            .not_after_ms = not_after_ms,
            .public_key = slice_of(spki, spki_len),
            .is_ca = true,
            .path_len = -1,
            .key_usage = X509_USE_CERT_SIGN | X509_USE_CRL_SIGN,
            .subject_key_id = slice_of(id, sizeof(id)),
        };
        e = finish(&spec, &key, NULL, (struct slice){NULL, 0}, cert_pem, NULL);
    }
    wc_ecc_free(&key);
    return e;
}

/* Neither before its issuer nor beyond it. */
static enum err set_dates(struct x509_spec *spec, const struct x509_authority *issuer,
                          int64_t not_before_ms, int64_t not_after_ms)
{
    spec->not_before_ms =
        not_before_ms < issuer->not_before_ms ? issuer->not_before_ms : not_before_ms;
    spec->not_after_ms = not_after_ms > issuer->not_after_ms ? issuer->not_after_ms : not_after_ms;
    return spec->not_after_ms > spec->not_before_ms ? ERR_OK : ERR_INVALID;
}

static void set_issuer(struct x509_spec *spec, const struct x509_authority *issuer)
{
    spec->issuer = slice_of(issuer->subject, issuer->subject_len);
    spec->authority_key_id = slice_of(issuer->key_id, issuer->key_id_len);
}

/* "spiffe://<trust domain>" */
static enum err trust_domain_id(struct slice trust_domain, char text[CA_ID_MAX], struct slice *out)
{
    struct spiffe_id id;
    if (trust_domain.len > CA_ID_MAX - 10)
        return ERR_INVALID;
    memcpy(text, "spiffe://", 9);
    memcpy(text + 9, trust_domain.ptr, trust_domain.len);
    *out = slice_of(text, 9 + trust_domain.len);
    return spiffe_parse(*out, &id) || id.path.len ? ERR_INVALID : ERR_OK;
}

enum err x509_make_intermediate(const struct x509_authority *issuer, struct slice common_name,
                                struct slice trust_domain, struct slice key_pem,
                                int64_t not_before_ms, int64_t not_after_ms, char **cert_pem)
{
    ecc_key key;
    struct serial serial;
    char id_text[CA_ID_MAX];
    uint8_t name[NAME_MAX_DER], spki[X509_SPKI_MAX], id[X509_KEY_ID_SIZE];
    size_t spki_len;
    struct x509_name san = {X509_NAME_URI, {NULL, 0}};
    struct x509_spec spec = {
        .subject = x509_build_name(common_name, name, sizeof(name)),
        .is_ca = true,
        .key_usage = X509_USE_CERT_SIGN | X509_USE_CRL_SIGN,
        .names = &san,
        .name_count = 1,
    };
    if (issuer->only_leaves || slice_is_empty(common_name) || slice_is_empty(spec.subject) ||
        trust_domain_id(trust_domain, id_text, &san.value) ||
        set_dates(&spec, issuer, not_before_ms, not_after_ms))
        return ERR_INVALID;
    enum err e = x509_key_open(key_pem, &key, NULL);
    if (e)
        return e;
    e = x509_key_public(&key, spki, &spki_len);
    wc_ecc_free(&key);
    if (e)
        return e;
    set_issuer(&spec, issuer);
    spec.serial = make_serial(&serial);
    spec.public_key = slice_of(spki, spki_len);
    x509_key_id(spec.public_key, id);
    spec.subject_key_id = slice_of(id, sizeof(id));
    return finish(&spec, (ecc_key *)&issuer->key, issuer->manager, (struct slice){NULL, 0},
                  cert_pem, NULL);
}

static enum err set_names(struct x509_spec *spec, struct x509_name names[DNS_NAMES_MAX + 1],
                          struct slice spiffe_id, const char *const *dns_names)
{
    size_t count = 0;
    names[count++] = (struct x509_name){X509_NAME_URI, spiffe_id};
    for (size_t i = 0; dns_names && dns_names[i]; i++) {
        if (count > DNS_NAMES_MAX)
            return ERR_LIMIT;
        names[count++] = (struct x509_name){X509_NAME_DNS, slice_from_cstr(dns_names[i])};
    }
    spec->names = names;
    spec->name_count = count;
    spec->names_critical = true; /* the subject is empty (RFC 5280 §4.2.1.6) */
    return ERR_OK;
}

enum err x509_issue_svid(const struct x509_authority *issuer, struct slice public_key_der,
                         struct slice spiffe_id, const char *const *dns_names,
                         int64_t not_before_ms, int64_t not_after_ms, char **cert_pem,
                         char detail[TLS_DETAIL_MAX])
{
    ecc_key key;
    struct serial serial;
    struct spiffe_id parsed;
    struct x509_name names[DNS_NAMES_MAX + 1];
    uint8_t name[8], id[X509_KEY_ID_SIZE];
    struct x509_spec spec = {
        .subject = x509_build_name((struct slice){NULL, 0}, name, sizeof(name)),
        .public_key = public_key_der,
        .key_usage = X509_USE_DIGITAL_SIGNATURE,
        .use_server = true,
        .use_client = true,
    };
    if (spiffe_parse(spiffe_id, &parsed) || slice_is_empty(parsed.path))
        return tls_err_say(ERR_INVALID, detail, "'%.*s' is not the SPIFFE ID of a workload",
                           SLICE_ARG(spiffe_id));
    if (x509_key_from_public(public_key_der, &key))
        return tls_err_say(ERR_UNSUPPORTED, detail, "the key is not ECDSA P-256");
    wc_ecc_free(&key);
    if (set_dates(&spec, issuer, not_before_ms, not_after_ms))
        return tls_err_say(ERR_INVALID, detail, "the issuer's own lifetime leaves no time for it");
    enum err e = set_names(&spec, names, spiffe_id, dns_names);
    if (e)
        return tls_err_say(e, detail, "more than %d DNS names", DNS_NAMES_MAX);
    set_issuer(&spec, issuer);
    spec.serial = make_serial(&serial);
    x509_key_id(public_key_der, id);
    spec.subject_key_id = slice_of(id, sizeof(id));
    return finish(&spec, (ecc_key *)&issuer->key, issuer->manager, spiffe_id, cert_pem, detail);
}
