/* Contexts of the three kinds: mesh end, public server, plain client. Made on the control thread,
 * then immutable and shared by reference count. Must not know of connections' bytes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_ctx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/digest.h"
#include "lib/tls/pem.h"
#include "lib/tls/spiffe.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/tls_key_match.h"
#include "lib/tls/tls_priv.h"
#include "lib/tls/tls_verify.h"
#include "lib/tls/x509_spki.h"

/* ---- chain and key; every failure is a sentence ---- */

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

/* Leaf first, with its key; they must belong together. */
static enum err tls_ctx_load_chain(WOLFSSL_CTX *lib, struct slice chain_pem, struct slice key_pem,
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

/* ---- contexts ---- */

enum { ALPN_MAX = 8, NAMES_MAX = 4096, MIN_ECC_BITS = 256, SANS_MAX = 64, SUITES_MAX = 512 };

static const char tls13_suites[] =
    "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256";
static const char public_suites[] =
    "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

static struct tls_ctx *new_ctx(enum tls_role role, size_t lib_count)
{
    struct tls_ctx *c = mem_zalloc(sizeof(*c));
    atomic_init(&c->refs, 1);
    c->role = role;
    c->libs = mem_zalloc(lib_count * sizeof(*c->libs));
    c->lib_count = lib_count;
    c->suites = TLS_SUITES_ALL;
    c->has_tls13 = true;
    return c;
}

static void free_sans(struct slice *sans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free((char *)sans[i].ptr);
    mem_free(sans);
}

static void destroy(struct tls_ctx *c)
{
    for (size_t i = 0; i < c->lib_count; i++) {
        if (c->libs[i])
            wolfSSL_CTX_free(c->libs[i]);
    }
    for (size_t i = 0; c->own && i < c->lib_count; i++)
        tls_own_cert_dispose(&c->own[i]);
    for (size_t i = 0; i < c->name_count; i++)
        mem_free((char *)c->names[i].text.ptr);
    mem_free(c->own);
    free_sans(c->san_dns, c->san_dns_count);
    free_sans(c->san_uri, c->san_uri_count);
    tls_roots_unref(c->roots);
    mem_free(c->libs);
    mem_free(c->names);
    mem_free(c->alpn);
    mem_free(c->trust_domain);
    mem_free(c);
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void tls_ctx_unref(struct tls_ctx *c)
{
    if (c && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
        destroy(c);
}

static enum err set_alpn(struct tls_ctx *c, const char *const *alpn, char detail[TLS_DETAIL_MAX])
{
    char *joined = NULL;
    for (size_t i = 0; alpn && alpn[i]; i++) {
        size_t len = strlen(alpn[i]);
        if (i == ALPN_MAX || len == 0 || len > 255 || strchr(alpn[i], ',')) {
            mem_free(joined);
            return tls_err_say(ERR_INVALID, detail, "ALPN: '%s' is not usable (at most %d names)",
                               alpn[i], ALPN_MAX);
        }
        char *longer = joined ? mem_printf("%s,%s", joined, alpn[i]) : mem_strdup(alpn[i]);
        mem_free(joined);
        joined = longer;
    }
    c->alpn = joined;
    return ERR_OK;
}

/* What every context shares; ciphers and groups in order of preference. */
static enum err make_lib(struct tls_ctx *c, size_t index, WOLFSSL_METHOD *method,
                         const char *suites, char detail[TLS_DETAIL_MAX])
{
    int groups[] = {WOLFSSL_X25519MLKEM768, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1};
    WOLFSSL_CTX *lib = method ? wolfSSL_CTX_new(method) : NULL;
    c->libs[index] = lib;
    if (!lib || wolfSSL_CTX_set_cipher_list(lib, suites) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_groups(lib, groups, 3) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_SetMinRsaKey_Sz(lib, TLS_MIN_RSA_BITS) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_SetMinEccKey_Sz(lib, MIN_ECC_BITS) != WOLFSSL_SUCCESS)
        return tls_err_say(ERR_CRYPTO, detail, "the TLS library refuses its own settings");
    wolfSSL_CTX_set_group_messages(lib);
    wolfSSL_CTX_no_ticket_TLSv13(lib);
    tls_conn_bind(c, lib);
    return ERR_OK;
}

/* Who vouches for peers. Lists that are good but for some members say so to whom asks. */
static enum err load_roots(struct tls_ctx *c, struct slice pem, struct tls_roots_report *report,
                           char detail[TLS_DETAIL_MAX])
{
    struct tls_roots_report own;
    report = report ? report : &own;
    enum err e = tls_roots_create(pem, &c->roots, report);
    return e ? tls_err_say(e, detail, "roots: %.240s", report->text) : ERR_OK;
}

/* A mesh end that cannot be accepted by its own kind should fail here, not at the first peer. */
static enum err check_own_leaf(const struct tls_mesh_config *config, char detail[TLS_DETAIL_MAX])
{
    uint8_t *der;
    size_t len;
    char why[TLS_DETAIL_MAX];
    enum err e = pem_find(config->cert_chain_pem, "CERTIFICATE", NULL, &der, &len);
    if (e)
        return tls_err_say(ERR_SYNTAX, detail, "certificate chain: no PEM block CERTIFICATE");
    e = tls_verify_svid(slice_of(der, len), config->trust_domain, (struct slice){NULL, 0}, NULL,
                        why);
    mem_free(der);
    return e ? tls_err_say(ERR_INVALID, detail, "our certificate: %.200s", why) : ERR_OK;
}

static enum err fill_mesh(struct tls_ctx *c, const struct tls_mesh_config *config,
                          char detail[TLS_DETAIL_MAX])
{
    bool server = config->is_server;
    enum err e = make_lib(c, 0, server ? wolfTLSv1_3_server_method() : wolfTLSv1_3_client_method(),
                          tls13_suites, detail);
    if (!e)
        e = set_alpn(c, config->alpn, detail);
    if (!e)
        e = check_own_leaf(config, detail);
    if (!e)
        e = tls_ctx_load_chain(c->libs[0], config->cert_chain_pem, config->key_pem, detail);
    if (!e)
        e = load_roots(c, config->roots_pem, config->roots_report, detail);
    return e;
}

enum err tls_ctx_create_mesh(const struct tls_mesh_config *config, struct tls_ctx **out,
                             char detail[TLS_DETAIL_MAX])
{
    struct spiffe_id id;
    char *text = mem_printf("spiffe://%.*s", SLICE_ARG(config->trust_domain));
    enum err e = spiffe_parse(slice_from_cstr(text), &id);
    bool ok = !e && slice_is_empty(id.path);
    mem_free(text);
    if (!ok)
        return tls_err_say(ERR_INVALID, detail, "'%.*s' is not a trust domain",
                           SLICE_ARG(slice_sub(config->trust_domain, 0, 100)));
    struct tls_ctx *c = new_ctx(config->is_server ? TLS_MESH_SERVER : TLS_MESH_CLIENT, 1);
    c->trust_domain = mem_strndup(config->trust_domain.ptr, config->trust_domain.len);
    c->peer_cert_optional = config->is_server && config->peer_cert_optional;
    e = fill_mesh(c, config, detail);
    if (e) {
        destroy(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

static int compare_names(const void *a, const void *b)
{
    const struct tls_name *x = a, *y = b;
    size_t n = x->text.len < y->text.len ? x->text.len : y->text.len;
    int order = memcmp(x->text.ptr, y->text.ptr, n);
    if (!order)
        order = (x->text.len > y->text.len) - (x->text.len < y->text.len);
    return order ? order : (x->cert > y->cert) - (x->cert < y->cert);
}

static enum err add_names(struct tls_ctx *c, const struct tls_public_config *config,
                          char detail[TLS_DETAIL_MAX])
{
    size_t total = 0;
    for (size_t i = 0; i < config->cert_count; i++)
        total += config->certs[i].name_count;
    if (total > NAMES_MAX)
        return tls_err_say(ERR_LIMIT, detail, "more than %d host names", NAMES_MAX);
    c->names = mem_zalloc((total + 1) * sizeof(*c->names));
    for (size_t i = 0; i < config->cert_count; i++) {
        for (size_t k = 0; k < config->certs[i].name_count; k++) {
            struct slice name = config->certs[i].names[k];
            char *copy = mem_strndup(name.ptr, name.len);
            c->names[c->name_count++] = (struct tls_name){slice_of(copy, name.len), i};
        }
    }
    qsort(c->names, c->name_count, sizeof(*c->names), compare_names);
    return ERR_OK;
}

/* Of one version those that are named, or all. */
static bool wants_suite(const struct tls_public_config *config, const struct tls_suite *s)
{
    bool names_version = false, is_tls13 = s->keys == 0;
    if (is_tls13 ? config->no_tls13 : config->no_tls12)
        return false;
    for (size_t i = 0; i < config->suite_count; i++) {
        if (config->suites[i] == s)
            return true;
        names_version |= (config->suites[i]->keys == 0) == is_tls13;
    }
    return !names_version;
}

static void add_suite(struct tls_ctx *c, const struct tls_suite *s, char text[SUITES_MAX])
{
    size_t len = strlen(text);
    c->suites |= 1u << (s - tls_suites);
    snprintf(text + len, SUITES_MAX - len, "%s%s", len ? ":" : "", s->lib);
}

/* First what is named, in its order. */
static void list_suites(struct tls_ctx *c, const struct tls_public_config *config,
                        char text[SUITES_MAX])
{
    *text = 0;
    c->suites = 0;
    for (size_t i = 0; i < config->suite_count; i++)
        if (wants_suite(config, config->suites[i]) &&
            !(c->suites & 1u << (config->suites[i] - tls_suites)))
            add_suite(c, config->suites[i], text);
    for (size_t i = 0; i < TLS_SUITE_COUNT; i++)
        if (wants_suite(config, &tls_suites[i]) && !(c->suites & 1u << i))
            add_suite(c, &tls_suites[i], text);
}

static WOLFSSL_METHOD *public_method(const struct tls_public_config *config)
{
    if (config->no_tls12)
        return wolfTLSv1_3_server_method();
    return config->no_tls13 ? wolfTLSv1_2_server_method() : wolfSSLv23_server_method();
}

static enum err make_public_lib(struct tls_ctx *c, size_t index,
                                const struct tls_public_config *config, char detail[TLS_DETAIL_MAX])
{
    char suites[SUITES_MAX];
    list_suites(c, config, suites);
    c->group_count = 0;
    for (size_t i = 0; i < config->group_count && i < TLS_GROUP_COUNT; i++)
        c->groups[c->group_count++] = config->groups[i]->lib;
    enum err e = make_lib(c, index, public_method(config), suites, detail);
    if (e)
        return e;
    if (c->group_count && wolfSSL_CTX_set_groups(c->libs[index], c->groups, c->group_count) !=
                              WOLFSSL_SUCCESS)
        return tls_err_say(ERR_CRYPTO, detail, "the TLS library refuses the groups");
    if (!config->no_tls12 && !config->no_tls13 &&
        wolfSSL_CTX_SetMinVersion(c->libs[index], WOLFSSL_TLSV1_2) != WOLFSSL_SUCCESS)
        return tls_err_say(ERR_CRYPTO, detail, "the TLS library lacks TLS 1.2");
    return ERR_OK;
}

static enum err fill_public(struct tls_ctx *c, const struct tls_public_config *config,
                            char detail[TLS_DETAIL_MAX])
{
    char why[TLS_DETAIL_MAX];
    enum err e = set_alpn(c, config->alpn, detail);
    for (size_t i = 0; !e && i < config->cert_count; i++) {
        e = make_public_lib(c, i, config, detail);
        if (e)
            break;
        e = tls_ctx_load_chain(c->libs[i], config->certs[i].cert_chain_pem,
                               config->certs[i].key_pem, why);
        if (e)
            return tls_err_say(e, detail, "certificate %zu: %.200s", i + 1, why);
        tls_own_cert_read(config->certs[i].cert_chain_pem, &c->own[i]);
    }
    /* Without roots nobody's certificate passes. */
    if (!e && config->ask_client && config->client_roots_pem.len &&
        tls_roots_create(config->client_roots_pem, &c->roots, config->roots_report))
        c->roots = NULL;
    return e ? e : add_names(c, config, detail);
}

enum err tls_ctx_create_public(const struct tls_public_config *config, struct tls_ctx **out,
                               char detail[TLS_DETAIL_MAX])
{
    if (config->cert_count == 0)
        return tls_err_say(ERR_INVALID, detail, "a public server needs at least one certificate");
    if (config->no_tls12 && config->no_tls13)
        return tls_err_say(ERR_INVALID, detail, "no version of TLS is left");
    struct tls_ctx *c = new_ctx(TLS_PUBLIC_SERVER, config->cert_count);
    c->own = mem_zalloc(config->cert_count * sizeof(*c->own));
    c->strict_sni = config->strict_sni;
    c->ask_client = config->ask_client;
    c->peer_cert_optional = config->ask_client && config->client_optional;
    c->refuses_bad = config->client_bad_refused;
    c->limits_path = config->limits_client_path;
    c->path_max = config->client_path_max;
    c->has_tls13 = !config->no_tls13;
    enum err e = fill_public(c, config, detail);
    if (e) {
        destroy(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

static enum err copy_sans(const struct slice *from, size_t count, struct slice **to,
                          size_t *to_count, char detail[TLS_DETAIL_MAX])
{
    if (count > SANS_MAX)
        return tls_err_say(ERR_LIMIT, detail, "more than %d names for the server", SANS_MAX);
    *to = count ? mem_zalloc(count * sizeof(**to)) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (!from[i].len)
            return tls_err_say(ERR_INVALID, detail, "an empty name for the server");
        (*to)[i] = slice_of(mem_strndup(from[i].ptr, from[i].len), from[i].len);
        *to_count = i + 1;
    }
    return ERR_OK;
}

static enum err fill_client(struct tls_ctx *c, const struct tls_client_config *config,
                            char detail[TLS_DETAIL_MAX])
{
    enum err e = make_lib(c, 0, wolfSSLv23_client_method(), public_suites, detail);
    if (!e && wolfSSL_CTX_SetMinVersion(c->libs[0], WOLFSSL_TLSV1_2) != WOLFSSL_SUCCESS)
        e = tls_err_say(ERR_CRYPTO, detail, "the TLS library lacks TLS 1.2");
    if (!e)
        e = set_alpn(c, config->alpn, detail);
    if (!e && !config->any_server)
        e = load_roots(c, config->roots_pem, config->roots_report, detail);
    if (!e && (config->cert_chain_pem.len || config->key_pem.len))
        e = tls_ctx_load_chain(c->libs[0], config->cert_chain_pem, config->key_pem, detail);
    if (!e)
        e = copy_sans(config->san_dns, config->san_dns_count, &c->san_dns, &c->san_dns_count,
                      detail);
    if (!e)
        e = copy_sans(config->san_uri, config->san_uri_count, &c->san_uri, &c->san_uri_count,
                      detail);
    return e;
}

enum err tls_ctx_create_client(const struct tls_client_config *config, struct tls_ctx **out,
                               char detail[TLS_DETAIL_MAX])
{
    struct tls_ctx *c = new_ctx(TLS_CLIENT, 1);
    c->any_server = config->any_server;
    enum err e = fill_client(c, config, detail);
    if (e) {
        destroy(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}
