/* Encodes and signs certificates and requests (RFC 5280, RFC 2986), always ECDSA with SHA-256.
 * Pure but for the random generator; any thread. Must not know what may be issued to whom.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/x509_build.h"

#include "lib/base/mem.h"
#include "lib/tls/der.h"
#include "lib/tls/digest.h"
#include "lib/tls/pem.h"
#include "lib/tls/x509_key.h"

/* wolfSSL has a generator of its own (struct Cert, wc_MakeCert). It is not used: it takes subject
 * alternative names, which are what an SVID is about, as finished DER; it asks the system's clock
 * for dates unless it is handed them as DER too, and this room reads no clock; names go through
 * fields of 64 bytes. What is left is a sequence around these, and tests need the same builder to
 * make certificates that no honest generator makes. */
enum { BUILD_MAX = 16384, SIGNATURE_MAX = 144 };

#define OID(name, ...) static const uint8_t oid_##name[] = {__VA_ARGS__}
OID(ecdsa_sha256, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
OID(common_name, 0x55, 0x04, 0x03);
OID(subject_key_id, 0x55, 0x1d, 0x0e);
OID(key_usage, 0x55, 0x1d, 0x0f);
OID(subject_alt_name, 0x55, 0x1d, 0x11);
OID(basic_constraints, 0x55, 0x1d, 0x13);
OID(authority_key_id, 0x55, 0x1d, 0x23);
OID(extended_key_usage, 0x55, 0x1d, 0x25);
OID(server_auth, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01);
OID(client_auth, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02);
OID(extension_request, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e);
#define PUT_OID(w, name) der_value((w), DER_OID, slice_of(oid_##name, sizeof(oid_##name)))

static void put_algorithm(struct der_writer *w)
{
    size_t mark = der_mark(w);
    PUT_OID(w, ecdsa_sha256);
    der_wrap(w, DER_SEQUENCE, mark);
}

/* What lies from `inner` on becomes the value of an extension whose end is `mark`. */
static void end_extension(struct der_writer *w, struct slice oid, bool critical, size_t mark)
{
    der_wrap(w, DER_OCTET_STRING, mark);
    if (critical)
        der_bool(w, true);
    der_value(w, DER_OID, oid);
    der_wrap(w, DER_SEQUENCE, mark);
}
#define END_EXTENSION(w, name, critical, mark) \
    end_extension((w), slice_of(oid_##name, sizeof(oid_##name)), (critical), (mark))

static void put_basic_constraints(struct der_writer *w, bool is_ca, int path_len)
{
    size_t mark = der_mark(w);
    if (is_ca && path_len >= 0) {
        uint8_t byte = (uint8_t)path_len;
        der_integer(w, slice_of(&byte, 1));
    }
    if (is_ca)
        der_bool(w, true);
    der_wrap(w, DER_SEQUENCE, mark);
    END_EXTENSION(w, basic_constraints, true, mark);
}

static void put_key_usage(struct der_writer *w, uint8_t bits, bool critical)
{
    size_t mark = der_mark(w);
    uint8_t content[2] = {(uint8_t)__builtin_ctz(bits), bits};
    der_value(w, DER_BIT_STRING, slice_of(content, 2));
    END_EXTENSION(w, key_usage, critical, mark);
}

static void put_extended_key_usage(struct der_writer *w, bool server, bool client)
{
    size_t mark = der_mark(w);
    if (client)
        PUT_OID(w, client_auth);
    if (server)
        PUT_OID(w, server_auth);
    der_wrap(w, DER_SEQUENCE, mark);
    END_EXTENSION(w, extended_key_usage, false, mark);
}

static void put_names(struct der_writer *w, const struct x509_name *names, size_t count,
                      bool critical)
{
    size_t mark = der_mark(w);
    for (size_t i = count; i > 0; i--)
        der_value(w, DER_CONTEXT(names[i - 1].kind), names[i - 1].value);
    der_wrap(w, DER_SEQUENCE, mark);
    END_EXTENSION(w, subject_alt_name, critical, mark);
}

static void put_key_ids(struct der_writer *w, const struct x509_spec *spec)
{
    size_t mark = der_mark(w);
    if (spec->authority_key_id.len) {
        der_value(w, DER_CONTEXT(0), spec->authority_key_id);
        der_wrap(w, DER_SEQUENCE, mark);
        END_EXTENSION(w, authority_key_id, false, mark);
    }
    mark = der_mark(w);
    if (spec->subject_key_id.len) {
        der_value(w, DER_OCTET_STRING, spec->subject_key_id);
        END_EXTENSION(w, subject_key_id, false, mark);
    }
}

static void put_extensions(struct der_writer *w, const struct x509_spec *spec)
{
    size_t mark = der_mark(w);
    if (spec->name_count)
        put_names(w, spec->names, spec->name_count, spec->names_critical);
    put_key_ids(w, spec);
    if (spec->use_server || spec->use_client)
        put_extended_key_usage(w, spec->use_server, spec->use_client);
    if (spec->key_usage)
        put_key_usage(w, spec->key_usage, !spec->key_usage_not_critical);
    if (!spec->no_basic_constraints)
        put_basic_constraints(w, spec->is_ca, spec->path_len);
    der_wrap(w, DER_SEQUENCE, mark);
    der_wrap(w, DER_CONTEXT_CONSTRUCTED(3), mark);
}

static void put_certificate_body(struct der_writer *w, const struct x509_spec *spec)
{
    static const uint8_t version3 = 2;
    size_t mark = der_mark(w);
    put_extensions(w, spec);
    der_raw(w, spec->public_key);
    der_raw(w, spec->subject);
    size_t dates = der_mark(w);
    der_time(w, spec->not_after_ms);
    der_time(w, spec->not_before_ms);
    der_wrap(w, DER_SEQUENCE, dates);
    der_raw(w, spec->issuer);
    put_algorithm(w);
    der_integer(w, spec->serial);
    size_t version = der_mark(w);
    der_integer(w, slice_of(&version3, 1));
    der_wrap(w, DER_CONTEXT_CONSTRUCTED(0), version);
    der_wrap(w, DER_SEQUENCE, mark);
}

static void put_request_body(struct der_writer *w, struct slice public_key,
                             const struct x509_name *names, size_t name_count, bool ca)
{
    static const uint8_t version1 = 0;
    size_t mark = der_mark(w);
    if (name_count)
        put_names(w, names, name_count, false);
    if (ca)
        put_basic_constraints(w, true, -1);
    der_wrap(w, DER_SEQUENCE, mark);
    der_wrap(w, DER_SET, mark);
    PUT_OID(w, extension_request);
    der_wrap(w, DER_SEQUENCE, mark);
    der_wrap(w, DER_CONTEXT_CONSTRUCTED(0), mark);
    der_raw(w, public_key);
    der_value(w, DER_SEQUENCE, (struct slice){NULL, 0});
    der_integer(w, slice_of(&version1, 1));
    der_wrap(w, DER_SEQUENCE, mark);
}

static enum err sign(struct slice body, ecc_key *key, uint8_t out[SIGNATURE_MAX], word32 *len)
{
    WC_RNG rng;
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(body, digest);
    if (wc_InitRng(&rng))
        return ERR_CRYPTO;
    *len = SIGNATURE_MAX;
    int code = wc_ecc_sign_hash(digest, DIGEST_SIZE, out, len, &rng, key);
    wc_FreeRng(&rng);
    return code ? ERR_CRYPTO : ERR_OK;
}

/* SEQUENCE { body, algorithm, signature }, for certificates and requests alike. */
static enum err finish(const struct der_writer *body, ecc_key *signer, const char *label,
                       char **pem)
{
    uint8_t signature[1 + SIGNATURE_MAX] = {0};
    word32 len;
    if (body->overflow)
        return ERR_LIMIT;
    enum err e = sign(der_result(body), signer, signature + 1, &len);
    if (e)
        return e;
    struct der_writer w;
    size_t capacity = der_result(body).len + 256;
    uint8_t *buffer = mem_alloc(capacity);
    der_writer_init(&w, buffer, capacity);
    size_t mark = der_mark(&w);
    der_value(&w, DER_BIT_STRING, slice_of(signature, 1 + len));
    put_algorithm(&w);
    der_raw(&w, der_result(body));
    der_wrap(&w, DER_SEQUENCE, mark);
    *pem = pem_encode(label, der_result(&w));
    mem_free(buffer);
    return ERR_OK;
}

enum err x509_build_cert(const struct x509_spec *spec, ecc_key *signer, char **pem)
{
    struct der_writer w;
    uint8_t *buffer = mem_alloc(BUILD_MAX);
    der_writer_init(&w, buffer, BUILD_MAX);
    put_certificate_body(&w, spec);
    enum err e = finish(&w, signer, "CERTIFICATE", pem);
    mem_free(buffer);
    return e;
}

enum err x509_build_csr(ecc_key *key, const struct x509_name *names, size_t name_count, bool ca,
                        char **pem)
{
    struct der_writer w;
    uint8_t spki[X509_SPKI_MAX];
    size_t spki_len;
    enum err e = x509_key_public(key, spki, &spki_len);
    if (e)
        return e;
    uint8_t *buffer = mem_alloc(BUILD_MAX);
    der_writer_init(&w, buffer, BUILD_MAX);
    put_request_body(&w, slice_of(spki, spki_len), names, name_count, ca);
    e = finish(&w, key, "CERTIFICATE REQUEST", pem);
    mem_free(buffer);
    return e;
}

struct slice x509_build_name(struct slice common_name, uint8_t *buffer, size_t capacity)
{
    struct der_writer w;
    der_writer_init(&w, buffer, capacity);
    size_t mark = der_mark(&w);
    if (common_name.len) {
        der_value(&w, DER_UTF8, common_name);
        PUT_OID(&w, common_name);
        der_wrap(&w, DER_SEQUENCE, mark);
        der_wrap(&w, DER_SET, mark);
    }
    der_wrap(&w, DER_SEQUENCE, mark);
    return der_result(&w);
}
