/* Reading lists of authorities. Any thread. The day counts: what has expired is left out.
 * Must not know whom the authorities vouch for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_roots.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/asn_time.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/tls_priv.h"
#include "lib/tls/x509_priv.h"
#include "lib/tls/x509_spki.h"

struct tls_roots {
    atomic_uint refs;
    size_t count, capacity;
    struct tls_root *list;
};

/* ---- one member ---- */

struct flaw {
    enum err err; /* ERR_OK: there is none */
    char text[TLS_DETAIL_MAX];
};

static void say(struct flaw *f, enum err e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct flaw *f, enum err e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof(f->text), format, args);
    va_end(args);
    f->err = e;
}

static void judge_dates(const DecodedCert *cert, int code, struct flaw *f)
{
    char time[ASN_TIME_TEXT_MAX];
    if (code == ASN_AFTER_DATE_E)
        say(f, ERR_EXPIRED, "it has expired at %s",
            asn_time_text(x509_date_ms(cert->afterDate, cert->afterDateLen), time));
    else
        say(f, ERR_EXPIRED, "it is not valid yet, but from %s",
            asn_time_text(x509_date_ms(cert->beforeDate, cert->beforeDateLen), time));
}

/* wolfSSL would take any certificate as an anchor, even a workload's. */
static void judge_parsed(const DecodedCert *cert, struct slice der, int code, struct flaw *f)
{
    char text[X509_SPKI_FLAW_MAX];
    const char *key = x509_spki_flaw(der, text);
    if (code == ASN_PARSE_E)
        say(f, ERR_SYNTAX, "it is malformed");
    else if (key)
        say(f, ERR_UNSUPPORTED, "its key %s", key);
    else if (code == ASN_AFTER_DATE_E || code == ASN_BEFORE_DATE_E)
        judge_dates(cert, code, f);
    else if (code)
        say(f, ERR_INVALID, "%s", tls_err_text(code));
    else if (!cert->isCA)
        say(f, ERR_INVALID, "it is not a CA certificate");
    else if (cert->extKeyUsageSet && !(cert->extKeyUsage & KEYUSE_KEY_CERT_SIGN))
        say(f, ERR_INVALID, "its key usage lacks keyCertSign");
}

static void add(struct tls_roots *r, const DecodedCert *cert, struct slice der)
{
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 4;
        r->list = mem_realloc(r->list, r->capacity * sizeof(*r->list));
    }
    struct tls_root *root = &r->list[r->count++];
    *root = (struct tls_root){.der = slice_of(mem_strndup(der.ptr, der.len), der.len)};
    digest_sha256(der, root->digest);
    memcpy(root->subject_hash, cert->subjectHash, KEYID_SIZE);
}

static void take_certificate(struct tls_roots *r, struct slice der, struct flaw *f)
{
    DecodedCert cert;
    wc_InitDecodedCert(&cert, (const byte *)der.ptr, (word32)der.len, NULL);
    int code = wc_ParseCert(&cert, CA_TYPE, VERIFY, NULL);
    judge_parsed(&cert, der, code, f);
    if (f->err == ERR_OK)
        add(r, &cert, der);
    wc_FreeDecodedCert(&cert);
}

static void take_block(struct tls_roots *r, const struct pem_block *block, struct flaw *f)
{
    uint8_t *der;
    size_t len;
    if (!slice_eq_cstr(block->label, "CERTIFICATE")) {
        say(f, ERR_SYNTAX, "it is no CERTIFICATE, but %.*s", SLICE_ARG(block->label));
    } else if (pem_decode(block, &der, &len)) {
        say(f, ERR_SYNTAX, "it is not Base64");
    } else {
        take_certificate(r, slice_of(der, len), f);
        mem_free(der);
    }
}

/* ---- the list ---- */

static void note(struct tls_roots_report *report, unsigned index, const struct flaw *f)
{
    char before[sizeof(report->text)];
    memcpy(before, report->text, sizeof(before));
    report->skipped++;
    (void)tls_err_say(f->err, report->text, "%s%scertificate %u: %s", before, *before ? "; " : "",
                      index, f->text);
}

static enum err conclude(const struct tls_roots *r, unsigned count, unsigned expired,
                         enum err first, struct tls_roots_report *report)
{
    char reasons[sizeof(report->text)];
    report->usable = (unsigned)r->count;
    if (r->count)
        return ERR_OK;
    if (count == 0)
        return tls_err_say(ERR_SYNTAX, report->text, "no PEM block CERTIFICATE");
    memcpy(reasons, report->text, sizeof(reasons));
    (void)tls_err_say(ERR_OK, report->text, "none of the %u is of use: %s", count, reasons);
    if (count == 1)
        memcpy(report->text, reasons, sizeof(reasons));
    return expired == count ? ERR_EXPIRED : first;
}

static enum err read_list(struct tls_roots *r, struct slice pem, struct tls_roots_report *report)
{
    struct pem_block block;
    unsigned index = 0, expired = 0;
    enum err e, first = ERR_OK;
    while ((e = pem_next(&pem, &block)) != ERR_EOF) {
        struct flaw f = {.err = ERR_OK};
        if (++index > TLS_ROOTS_MAX)
            say(&f, ERR_LIMIT, "this and what follows is left out: a list may have %d",
                TLS_ROOTS_MAX);
        else if (e)
            say(&f, ERR_SYNTAX, "it is malformed PEM");
        else
            take_block(r, &block, &f);
        if (f.err != ERR_OK)
            note(report, index, &f);
        expired += f.err == ERR_EXPIRED;
        first = first ? first : f.err;
        if (f.err == ERR_LIMIT)
            break;
    }
    return conclude(r, index, expired, first, report);
}

static int compare(const void *a, const void *b)
{
    const struct tls_root *x = a, *y = b;
    return memcmp(x->digest, y->digest, DIGEST_SIZE);
}

enum err tls_roots_create(struct slice pem, struct tls_roots **out, struct tls_roots_report *report)
{
    struct tls_roots_report unread;
    struct tls_roots *r = mem_zalloc(sizeof(*r));
    if (!report)
        report = &unread;
    *report = (struct tls_roots_report){0};
    atomic_init(&r->refs, 1);
    enum err e = read_list(r, pem, report);
    if (e) {
        tls_roots_unref(r);
        return e;
    }
    qsort(r->list, r->count, sizeof(*r->list), compare);
    *out = r;
    return ERR_OK;
}

void tls_roots_unref(struct tls_roots *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < r->count; i++)
        mem_free((char *)r->list[i].der.ptr);
    mem_free(r->list);
    mem_free(r);
}

size_t tls_roots_count(const struct tls_roots *r)
{
    return r->count;
}

const struct tls_root *tls_roots_at(const struct tls_roots *r, size_t index)
{
    return &r->list[index];
}

bool tls_roots_have(const struct tls_roots *r, const uint8_t digest[DIGEST_SIZE])
{
    struct tls_root key;
    memcpy(key.digest, digest, DIGEST_SIZE);
    return r->count && bsearch(&key, r->list, r->count, sizeof(key), compare);
}
