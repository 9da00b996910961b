/* Building a path depth first, from the leaf up, and checking it from the root down. wolfSSL checks
 * each step, in a certificate manager that lives for one path: its contexts' own would keep every
 * intermediate that was ever verified. Must not know what is asked of the leaf itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_chain.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/tls_priv.h"
#include "lib/tls/x509_spki.h"

#include <wolfssl/error-ssl.h>

/* Of one call, however a peer mixes certificates of one name: places where a path branches, and
 * whole paths that are checked. */
enum { STEPS_MAX = 64, PATHS_MAX = 8 };

/* The names and keys by which certificates find each other. */
struct link {
    struct slice der;
    int code; /* of the parser: such a certificate is in no path */
    bool is_self_issued, has_authority_key;
    byte subject[KEYID_SIZE], issuer[KEYID_SIZE];
    byte subject_key[KEYID_SIZE], authority_key[KEYID_SIZE];
};

struct search {
    const struct tls_roots *roots;
    struct link links[TLS_CHAIN_MAX];
    size_t count;
    size_t path[TLS_CHAIN_MAX], length; /* indices of links, the leaf first */
    bool any_date;
    unsigned steps, paths;
    struct tls_chain_verdict out; /* the first failure, until a path is good */
};

static void read_link(struct link *l, struct slice der)
{
    DecodedCert cert;
    *l = (struct link){.der = der};
    wc_InitDecodedCert(&cert, (const byte *)der.ptr, (word32)der.len, NULL);
    l->code = wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL);
    if (l->code == 0) {
        l->is_self_issued = cert.selfSigned;
        l->has_authority_key = cert.extAuthKeyIdSet;
        memcpy(l->subject, cert.subjectHash, KEYID_SIZE);
        memcpy(l->issuer, cert.issuerHash, KEYID_SIZE);
        memcpy(l->subject_key, cert.extSubjKeyId, KEYID_SIZE);
        memcpy(l->authority_key, cert.extAuthKeyId, KEYID_SIZE);
    }
    wc_FreeDecodedCert(&cert);
}

static bool may_issue(const struct link *issuer, const struct link *l)
{
    return issuer->code == 0 && memcmp(issuer->subject, l->issuer, KEYID_SIZE) == 0 &&
           (!l->has_authority_key ||
            memcmp(issuer->subject_key, l->authority_key, KEYID_SIZE) == 0);
}

static void fail(struct search *s, int code, size_t depth)
{
    bool is_root = depth == TLS_CHAIN_MAX;
    if (s->out.code == 0)
        s->out = (struct tls_chain_verdict){
            .code = code, .depth = is_root ? 0 : depth, .is_root = is_root};
}

/* ---- from the root down ---- */

static int load(WOLFSSL_CERT_MANAGER *manager, struct slice der, bool any_date)
{
    int code = wolfSSL_CertManagerLoadCABuffer_ex(
        manager, (const byte *)der.ptr, (long)der.len, WOLFSSL_FILETYPE_ASN1, 0,
        any_date ? WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY : WOLFSSL_LOAD_FLAG_NONE);
    return code == WOLFSSL_SUCCESS ? 0 : code ? code : ASN_PARSE_E;
}

static int check_authority(const DecodedCert *cert)
{
    if (!cert->isCA)
        return NOT_CA_ERROR;
    if (cert->extKeyUsageSet && !(cert->extKeyUsage & KEYUSE_KEY_CERT_SIGN))
        return NOT_CA_ERROR;
    return 0;
}

/* Signature, dates, key and names, by an issuer that the manager has. */
static int check_step(WOLFSSL_CERT_MANAGER *manager, struct slice der, bool is_leaf, bool any_date)
{
    DecodedCert cert;
    char text[X509_SPKI_FLAW_MAX];
    if (x509_spki_flaw(der, text))
        return PEER_KEY_ERROR;
    wc_InitDecodedCert(&cert, (const byte *)der.ptr, (word32)der.len, NULL);
    int code = wc_ParseCert(&cert, is_leaf ? CERT_TYPE : CHAIN_CERT_TYPE,
                            any_date ? VERIFY_SKIP_DATE : VERIFY, manager);
    if (code == 0 && !is_leaf)
        code = check_authority(&cert);
    wc_FreeDecodedCert(&cert);
    return code;
}

static int check_path(const struct search *s, WOLFSSL_CERT_MANAGER *manager,
                      const struct tls_root *root, size_t *depth)
{
    *depth = TLS_CHAIN_MAX;
    int code = load(manager, root->der, s->any_date);
    for (size_t i = s->length; code == 0 && i-- > 0;) {
        struct slice der = s->links[s->path[i]].der;
        *depth = s->path[i];
        code = check_step(manager, der, i == 0, s->any_date);
        if (code == 0 && i > 0)
            code = load(manager, der, s->any_date);
    }
    return code;
}

static bool is_good_below(struct search *s, const struct tls_root *root)
{
    size_t depth = 0;
    if (s->paths++ >= PATHS_MAX)
        return false;
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CertManagerNew();
    int code = manager ? check_path(s, manager, root, &depth) : MEMORY_E;
    wolfSSL_CertManagerFree(manager);
    if (code) {
        fail(s, code, depth);
        return false;
    }
    s->out = (struct tls_chain_verdict){.code = 0, .between = s->length - 1};
    memcpy(s->out.anchor, root->digest, DIGEST_SIZE);
    return true;
}

/* ---- from the leaf up ---- */

static bool is_in_path(const struct search *s, size_t index)
{
    for (size_t i = 0; i < s->length; i++)
        if (s->path[i] == index)
            return true;
    return false;
}

static bool reaches_root(struct search *s)
{
    const struct link *top = &s->links[s->path[s->length - 1]];
    for (size_t i = 0; i < tls_roots_count(s->roots); i++) {
        const struct tls_root *root = tls_roots_at(s->roots, i);
        if (memcmp(root->subject_hash, top->issuer, KEYID_SIZE) == 0 && is_good_below(s, root))
            return true;
    }
    return false;
}

static bool climb(struct search *s)
{
    size_t top = s->path[s->length - 1];
    if (s->steps++ >= STEPS_MAX)
        return false;
    if (reaches_root(s))
        return true;
    for (size_t i = 1; i < s->count && !s->links[top].is_self_issued; i++) {
        if (is_in_path(s, i) || !may_issue(&s->links[i], &s->links[top]))
            continue;
        s->path[s->length++] = i;
        if (climb(s))
            return true;
        s->length--;
    }
    fail(s, s->links[top].is_self_issued ? ASN_SELF_SIGNED_E : ASN_NO_SIGNER_E, top);
    return false;
}

struct tls_chain_verdict tls_chain_verify(const struct tls_roots *roots, const struct slice *certs,
                                          size_t count, bool any_date)
{
    struct search s = {.roots = roots, .count = count, .length = 1, .any_date = any_date};
    if (count == 0 || count > TLS_CHAIN_MAX)
        return (struct tls_chain_verdict){.code = count ? MAX_CHAIN_ERROR : NO_PEER_CERT};
    for (size_t i = 0; i < count; i++)
        read_link(&s.links[i], certs[i]);
    if (s.links[0].code)
        return (struct tls_chain_verdict){.code = s.links[0].code};
    if (!roots)
        fail(&s, ASN_NO_SIGNER_E, 0);
    else
        (void)climb(&s);
    return s.out;
}

/* ---- our own ---- */

/* The certificates of a PEM text; what is more than a peer takes is left out. */
static enum err read_chain(struct slice pem, struct slice certs[TLS_CHAIN_MAX], size_t *count)
{
    struct pem_block block;
    *count = 0;
    while (*count < TLS_CHAIN_MAX && pem_next(&pem, &block) == ERR_OK) {
        uint8_t *der;
        size_t len;
        enum err e = pem_decode(&block, &der, &len);
        if (e)
            return e;
        certs[(*count)++] = slice_of(der, len);
    }
    return *count ? ERR_OK : ERR_SYNTAX;
}

enum err tls_chain_check(struct slice chain_pem, struct slice roots_pem,
                         char detail[TLS_DETAIL_MAX])
{
    struct tls_roots *roots;
    struct tls_roots_report report;
    struct slice certs[TLS_CHAIN_MAX];
    size_t count;
    if (tls_roots_create(roots_pem, &roots, &report))
        return tls_err_say(ERR_INVALID, detail, "the roots cannot be used: %.200s", report.text);
    enum err e = read_chain(chain_pem, certs, &count);
    if (e) {
        e = tls_err_say(ERR_SYNTAX, detail, "the certificate chain cannot be read");
    } else {
        struct tls_chain_verdict verdict = tls_chain_verify(roots, certs, count, true);
        if (verdict.code)
            e = tls_err_say(ERR_UNTRUSTED, detail,
                            "the certificate does not chain to the roots in force (%zu): %s",
                            tls_roots_count(roots), tls_err_text(verdict.code));
    }
    for (size_t i = 0; i < count; i++)
        mem_free((void *)(uintptr_t)certs[i].ptr);
    tls_roots_unref(roots);
    return e;
}
