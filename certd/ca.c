/* Checking the CA's material and making what it lacks. On certd's only thread. Must not know where
 * the material is kept, nor who asks for certificates.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/digest.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_roots.h"

static const int64_t back_date_ms = 60000; /* for clocks that are a little behind */

enum err ca_say(enum err e, char detail[CA_DETAIL_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(detail, CA_DETAIL_MAX, format, args);
    va_end(args);
    return e;
}

static void wipe(char *secret)
{
    if (secret)
        digest_wipe(secret, strlen(secret));
    mem_free(secret);
}

void ca_material_dispose(struct ca_material *m)
{
    mem_free(m->root_pem);
    mem_free(m->signer_pem);
    mem_free(m->version);
    wipe(m->root_key);
    wipe(m->signer_key);
    *m = (struct ca_material){0};
}

/* ---- making */

static enum err make_root(const struct ca_config *c, int64_t now_ms, struct ca_material *m,
                          char detail[CA_DETAIL_MAX])
{
    char *name = mem_printf("Weft root of %s", c->trust_domain);
    wipe(m->root_key);
    m->root_key = NULL;
    enum err e = x509_make_key(&m->root_key);
    if (!e)
        e = x509_make_root(slice_from_cstr(name), slice_from_cstr(m->root_key),
                           now_ms - back_date_ms, now_ms + (int64_t)c->root_ttl_ms, &m->root_pem);
    mem_free(name);
    return e ? ca_say(e, detail, "a new root cannot be made: %s", err_text(e)) : ERR_OK;
}

static enum err make_intermediate(const struct ca_config *c, int64_t now_ms, struct ca_material *m,
                                  char detail[CA_DETAIL_MAX])
{
    char why[TLS_DETAIL_MAX] = "";
    struct x509_authority *root;
    enum err e =
        x509_authority_load(slice_from_cstr(m->root_pem), slice_from_cstr(m->root_key), &root, why);
    if (e)
        return ca_say(e, detail, "%s/root.pem, root.key: %s", c->where, why);
    wipe(m->signer_key);
    mem_free(m->signer_pem);
    m->signer_key = m->signer_pem = NULL;
    char *name = mem_printf("Weft intermediate of %s", c->trust_domain);
    e = x509_make_key(&m->signer_key);
    if (!e)
        e = x509_make_intermediate(root, slice_from_cstr(name), slice_from_cstr(c->trust_domain),
                                   slice_from_cstr(m->signer_key), now_ms - back_date_ms,
                                   now_ms + (int64_t)c->intermediate_ttl_ms, &m->signer_pem);
    mem_free(name);
    x509_authority_destroy(root);
    return e ? ca_say(e, detail, "a new intermediate cannot be made: %s", err_text(e)) : ERR_OK;
}

/* ---- checking */

static enum err check_dates(const char *where, const char *name, const struct x509_facts *facts,
                            int64_t now_ms, char detail[CA_DETAIL_MAX])
{
    if (now_ms >= facts->not_after_ms)
        return ca_say(ERR_EXPIRED, detail,
                      "%s/%s: this certificate has expired; what it signs would be "
                      "refused everywhere",
                      where, name);
    if (now_ms < facts->not_before_ms)
        return ca_say(ERR_EXPIRED, detail,
                      "%s/%s: this certificate is not valid yet; check the clock", where, name);
    return ERR_OK;
}

static enum err check_root(const struct ca_config *c, const struct ca_material *m, int64_t now_ms,
                           char detail[CA_DETAIL_MAX])
{
    struct x509_facts facts;
    if (x509_read(slice_from_cstr(m->root_pem), &facts))
        return ca_say(ERR_SYNTAX, detail, "%s/root.pem: not a readable certificate", c->where);
    bool is_ca = facts.is_ca;
    enum err e = check_dates(c->where, "root.pem", &facts, now_ms, detail);
    x509_facts_dispose(&facts);
    return e || is_ca ? e
                      : ca_say(ERR_INVALID, detail, "%s/root.pem: not a CA certificate", c->where);
}

static enum err check_domain(const struct ca_config *c, const struct x509_facts *facts,
                             char detail[CA_DETAIL_MAX])
{
    char *want = mem_printf("spiffe://%s", c->trust_domain);
    bool same = facts->spiffe_id && strcmp(facts->spiffe_id, want) == 0;
    mem_free(want);
    if (same)
        return ERR_OK;
    return ca_say(ERR_INVALID, detail,
                  "%s/intermediate.pem: it is for '%s', not for the trust domain %s", c->where,
                  facts->spiffe_id ? facts->spiffe_id : "no trust domain", c->trust_domain);
}

/* A third of its life before its end, if it can be replaced here at all. */
static int64_t replacement_time(const struct x509_facts *facts)
{
    return facts->not_after_ms - (facts->not_after_ms - facts->not_before_ms) / 3;
}

/* ERR_AGAIN: it is good, but due for replacement. */
static enum err check_intermediate(const struct ca_config *c, const struct ca_material *m,
                                   int64_t now_ms, int64_t *replace_at_ms,
                                   char detail[CA_DETAIL_MAX])
{
    struct x509_facts facts;
    if (x509_read(slice_from_cstr(m->signer_pem), &facts))
        return ca_say(ERR_SYNTAX, detail, "%s/intermediate.pem: not a readable certificate",
                      c->where);
    enum err e = check_domain(c, &facts, detail);
    *replace_at_ms = m->root_key ? replacement_time(&facts) : 0;
    if (!e && !m->root_key)
        e = check_dates(c->where, "intermediate.pem", &facts, now_ms, detail);
    x509_facts_dispose(&facts);
    return !e && m->root_key && now_ms >= *replace_at_ms ? ERR_AGAIN : e;
}

/* Makes or replaces the intermediate where that is needed and possible. */
static enum err settle_intermediate(const struct ca_config *c, struct ca_material *m,
                                    int64_t now_ms, unsigned *made, int64_t *replace_at_ms,
                                    char detail[CA_DETAIL_MAX])
{
    struct x509_facts facts;
    bool have = m->signer_pem && m->signer_key;
    if (!have && !m->root_key)
        return ca_say(ERR_NOT_FOUND, detail,
                      "%s: there is no intermediate.pem with its intermediate.key, and no root.key "
                      "to make one with",
                      c->where);
    enum err e =
        have ? check_intermediate(c, m, now_ms, replace_at_ms, detail) : (enum err)ERR_AGAIN;
    if (e != ERR_AGAIN)
        return e;
    e = make_intermediate(c, now_ms, m, detail);
    if (e)
        return e;
    if (x509_read(slice_from_cstr(m->signer_pem), &facts))
        return ca_say(ERR_CRYPTO, detail, "the new intermediate cannot be read");
    *replace_at_ms = replacement_time(&facts);
    *made |= CA_MADE_SIGNER;
    x509_facts_dispose(&facts);
    return ERR_OK;
}

/* ---- the bundle */

static char *first_block(const char *pem)
{
    struct slice rest = slice_from_cstr(pem);
    struct pem_block block;
    if (pem_next(&rest, &block))
        return NULL;
    return mem_printf("%.*s\n", SLICE_ARG(block.whole));
}

/* "<version> <sha256 of the bundle>": grows by one whenever the hash is another one. */
static void settle_version(struct ca_material *m, unsigned *made, struct ca *ca)
{
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_MAX];
    uint64_t version = 0;
    digest_sha256(slice_from_cstr(ca->bundle_pem), digest);
    digest_hex(digest, hex);
    struct slice all = slice_from_cstr(m->version);
    size_t space = slice_find_byte(all, ' ');
    bool known = slice_to_u64(slice_sub(all, 0, space), &version) == ERR_OK && version < INT64_MAX;
    bool same =
        known && slice_starts_with(slice_sub(all, space + 1, all.len), slice_from_cstr(hex));
    ca->bundle_version = same ? (int64_t)version : known ? (int64_t)version + 1 : 1;
    if (same)
        return;
    mem_free(m->version);
    m->version = mem_printf("%lld %s\n", (long long)ca->bundle_version, hex);
    *made |= CA_MADE_VERSION;
}

static enum err fill(const struct ca_config *c, int64_t now_ms, struct ca_material *m,
                     unsigned *made, struct ca *out, char detail[CA_DETAIL_MAX])
{
    char why[TLS_DETAIL_MAX] = "";
    enum err e = ERR_OK;
    if (!m->root_pem && m->signer_pem)
        return ca_say(ERR_NOT_FOUND, detail, "%s: there is an intermediate.pem but no root.pem",
                      c->where);
    if (!m->root_pem) {
        e = make_root(c, now_ms, m, detail);
        *made |= CA_MADE_ROOT;
    }
    if (!e)
        e = check_root(c, m, now_ms, detail);
    if (!e)
        e = settle_intermediate(c, m, now_ms, made, &out->replace_at_ms, detail);
    if (e)
        return e;
    e = x509_authority_load(slice_from_cstr(m->signer_pem), slice_from_cstr(m->signer_key),
                            &out->signer, why);
    if (e)
        return ca_say(e, detail, "%s/intermediate.pem, intermediate.key: %s", c->where, why);
    out->signer_pem = mem_strdup(m->signer_pem);
    out->bundle_pem = mem_strdup(m->root_pem);
    out->root_pem = first_block(m->root_pem);
    settle_version(m, made, out);
    return ERR_OK;
}

enum err ca_settle(const struct ca_config *config, int64_t now_ms, struct ca_material *material,
                   unsigned *made, struct ca *out, char detail[CA_DETAIL_MAX])
{
    *out = (struct ca){0};
    *made = 0;
    enum err e = fill(config, now_ms, material, made, out, detail);
    if (e)
        ca_close(out);
    return e;
}

void ca_close(struct ca *ca)
{
    x509_authority_destroy(ca->signer);
    mem_free(ca->signer_pem);
    mem_free(ca->root_pem);
    mem_free(ca->bundle_pem);
    *ca = (struct ca){0};
}

bool ca_is_another_mesh(struct slice before_pem, struct slice now_pem)
{
    struct tls_roots *before = NULL, *now = NULL;
    bool differs = tls_roots_create(before_pem, &before, NULL) == ERR_OK &&
                   tls_roots_create(now_pem, &now, NULL) == ERR_OK;
    for (size_t i = 0; differs && i < tls_roots_count(now); i++)
        differs = !tls_roots_have(before, tls_roots_at(now, i)->digest);
    tls_roots_unref(before);
    tls_roots_unref(now);
    return differs;
}
