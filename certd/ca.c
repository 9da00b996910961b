/* Loading the CA from its folder, or making it there. Blocking file access, on certd's only thread.
 * Must not know who asks for certificates.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/tls/digest.h"
#include "lib/tls/pem.h"

enum { FILE_MAX = 1 << 20, KEY_MODE = 0600, CERT_MODE = 0644, DIR_MODE = 0700 };

static const int64_t back_date_ms = 60000; /* for clocks that are a little behind */

/* The folder's files, as far as they are there. */
struct files {
    char *root_pem, *root_key, *mid_pem, *mid_key;
};

static enum err say(enum err e, char detail[CA_DETAIL_MAX], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum err say(enum err e, char detail[CA_DETAIL_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(detail, CA_DETAIL_MAX, format, args);
    va_end(args);
    return e;
}

static char *path_in(const char *dir, const char *name)
{
    return mem_printf("%s/%s", dir, name);
}

static void wipe(char *secret)
{
    if (secret)
        digest_wipe(secret, strlen(secret));
    mem_free(secret);
}

/* *text stays NULL when there is no such file. */
static enum err read_one(const char *dir, const char *name, bool is_key, char **text,
                         char detail[CA_DETAIL_MAX])
{
    size_t len;
    char *path = path_in(dir, name);
    enum err e = file_read(path, FILE_MAX, text, &len);
    if (e == ERR_NOT_FOUND) {
        *text = NULL;
        e = ERR_OK;
    } else if (e) {
        e = say(e, detail, "%s: %s", path, err_text(e));
    } else if (is_key && file_is_exposed(path)) {
        wipe(*text);
        *text = NULL;
        e = say(ERR_DENIED, detail, "%s: group or others may read this private key; chmod 600 it",
                path);
    }
    mem_free(path);
    return e;
}

static enum err write_one(const char *dir, const char *name, const char *text, int mode,
                          char detail[CA_DETAIL_MAX])
{
    char *path = path_in(dir, name);
    enum err e = file_write_atomic(path, text, strlen(text), mode);
    if (e)
        e = say(e, detail, "%s: cannot be written: %s", path, err_text(e));
    mem_free(path);
    return e;
}

static enum err read_all(const char *dir, struct files *f, char detail[CA_DETAIL_MAX])
{
    enum err e = read_one(dir, "root.pem", false, &f->root_pem, detail);
    if (!e)
        e = read_one(dir, "root.key", true, &f->root_key, detail);
    if (!e)
        e = read_one(dir, "intermediate.pem", false, &f->mid_pem, detail);
    if (!e)
        e = read_one(dir, "intermediate.key", true, &f->mid_key, detail);
    return e;
}

static void drop_files(struct files *f)
{
    mem_free(f->root_pem);
    mem_free(f->mid_pem);
    wipe(f->root_key);
    wipe(f->mid_key);
    *f = (struct files){0};
}

/* ---- making */

/* Written key first: a root certificate without a key on disk would look like an offline root. */
static enum err make_root(const struct ca_config *c, int64_t now_ms, struct files *f,
                          char detail[CA_DETAIL_MAX])
{
    char *name = mem_printf("Weft root of %s", c->trust_domain);
    wipe(f->root_key);
    f->root_key = NULL;
    enum err e = x509_make_key(&f->root_key);
    if (!e)
        e = x509_make_root(slice_from_cstr(name), slice_from_cstr(f->root_key),
                           now_ms - back_date_ms, now_ms + (int64_t)c->root_ttl_ms, &f->root_pem);
    mem_free(name);
    if (e)
        return say(e, detail, "a new root cannot be made: %s", err_text(e));
    e = write_one(c->dir, "root.key", f->root_key, KEY_MODE, detail);
    if (!e)
        e = write_one(c->dir, "root.pem", f->root_pem, CERT_MODE, detail);
    if (!e)
        LOG_I("ca", "made a new root in %s", c->dir);
    return e;
}

/* The certificate is taken away before its key changes, so that a crash in between leaves no pair
 * that does not belong together, only a missing half that is made again. */
static enum err store_intermediate(const struct ca_config *c, const struct files *f,
                                   char detail[CA_DETAIL_MAX])
{
    char *path = path_in(c->dir, "intermediate.pem");
    if (unlink(path) && errno != ENOENT) {
        enum err e = say(err_from_errno(errno), detail, "%s: cannot be replaced", path);
        mem_free(path);
        return e;
    }
    mem_free(path);
    enum err e = write_one(c->dir, "intermediate.key", f->mid_key, KEY_MODE, detail);
    return e ? e : write_one(c->dir, "intermediate.pem", f->mid_pem, CERT_MODE, detail);
}

static enum err make_intermediate(const struct ca_config *c, int64_t now_ms, struct files *f,
                                  char detail[CA_DETAIL_MAX])
{
    char why[TLS_DETAIL_MAX] = "";
    struct x509_authority *root;
    enum err e =
        x509_authority_load(slice_from_cstr(f->root_pem), slice_from_cstr(f->root_key), &root, why);
    if (e)
        return say(e, detail, "%s/root.pem, root.key: %s", c->dir, why);
    wipe(f->mid_key);
    mem_free(f->mid_pem);
    f->mid_key = f->mid_pem = NULL;
    char *name = mem_printf("Weft intermediate of %s", c->trust_domain);
    e = x509_make_key(&f->mid_key);
    if (!e)
        e = x509_make_intermediate(root, slice_from_cstr(name), slice_from_cstr(c->trust_domain),
                                   slice_from_cstr(f->mid_key), now_ms - back_date_ms,
                                   now_ms + (int64_t)c->intermediate_ttl_ms, &f->mid_pem);
    mem_free(name);
    x509_authority_destroy(root);
    if (e)
        return say(e, detail, "a new intermediate cannot be made: %s", err_text(e));
    e = store_intermediate(c, f, detail);
    if (!e)
        LOG_I("ca", "made a new intermediate in %s", c->dir);
    return e;
}

/* ---- checking */

static enum err check_dates(const char *dir, const char *name, const struct x509_facts *facts,
                            int64_t now_ms, char detail[CA_DETAIL_MAX])
{
    if (now_ms >= facts->not_after_ms)
        return say(ERR_EXPIRED, detail,
                   "%s/%s: this certificate has expired; what it signs would be "
                   "refused everywhere",
                   dir, name);
    if (now_ms < facts->not_before_ms)
        return say(ERR_EXPIRED, detail, "%s/%s: this certificate is not valid yet; check the clock",
                   dir, name);
    return ERR_OK;
}

static enum err check_root(const struct ca_config *c, const struct files *f, int64_t now_ms,
                           char detail[CA_DETAIL_MAX])
{
    struct x509_facts facts;
    if (x509_read(slice_from_cstr(f->root_pem), &facts))
        return say(ERR_SYNTAX, detail, "%s/root.pem: not a readable certificate", c->dir);
    bool is_ca = facts.is_ca;
    enum err e = check_dates(c->dir, "root.pem", &facts, now_ms, detail);
    x509_facts_dispose(&facts);
    return e || is_ca ? e : say(ERR_INVALID, detail, "%s/root.pem: not a CA certificate", c->dir);
}

static enum err check_domain(const struct ca_config *c, const struct x509_facts *facts,
                             char detail[CA_DETAIL_MAX])
{
    char *want = mem_printf("spiffe://%s", c->trust_domain);
    bool same = facts->spiffe_id && strcmp(facts->spiffe_id, want) == 0;
    mem_free(want);
    if (same)
        return ERR_OK;
    return say(ERR_INVALID, detail,
               "%s/intermediate.pem: it is for '%s', not for the trust domain %s", c->dir,
               facts->spiffe_id ? facts->spiffe_id : "no trust domain", c->trust_domain);
}

/* A third of its life before its end, if it can be replaced here at all. */
static int64_t replacement_time(const struct x509_facts *facts)
{
    return facts->not_after_ms - (facts->not_after_ms - facts->not_before_ms) / 3;
}

/* Makes or replaces the intermediate where that is needed and possible. */
static enum err settle_intermediate(const struct ca_config *c, struct files *f, int64_t now_ms,
                                    int64_t *replace_at_ms, char detail[CA_DETAIL_MAX])
{
    struct x509_facts facts;
    bool have = f->mid_pem && f->mid_key;
    if (!have && !f->root_key)
        return say(ERR_NOT_FOUND, detail,
                   "%s: there is no intermediate.pem with its intermediate.key, and no root.key to "
                   "make one with",
                   c->dir);
    if (have) {
        if (x509_read(slice_from_cstr(f->mid_pem), &facts))
            return say(ERR_SYNTAX, detail, "%s/intermediate.pem: not a readable certificate",
                       c->dir);
        enum err e = check_domain(c, &facts, detail);
        *replace_at_ms = f->root_key ? replacement_time(&facts) : 0;
        if (!e && !f->root_key)
            e = check_dates(c->dir, "intermediate.pem", &facts, now_ms, detail);
        x509_facts_dispose(&facts);
        if (e)
            return e;
        have = !f->root_key || now_ms < *replace_at_ms;
    }
    if (have)
        return ERR_OK;
    enum err e = make_intermediate(c, now_ms, f, detail);
    if (e)
        return e;
    if (x509_read(slice_from_cstr(f->mid_pem), &facts))
        return say(ERR_CRYPTO, detail, "the new intermediate cannot be read");
    *replace_at_ms = replacement_time(&facts);
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
static enum err settle_version(const struct ca_config *c, struct ca *ca, char detail[CA_DETAIL_MAX])
{
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_MAX], *text = NULL;
    uint64_t version = 0;
    digest_sha256(slice_from_cstr(ca->bundle_pem), digest);
    digest_hex(digest, hex);
    enum err e = read_one(c->dir, "bundle.version", false, &text, detail);
    if (e)
        return e;
    struct slice all = slice_from_cstr(text);
    size_t space = slice_find_byte(all, ' ');
    bool known = slice_to_u64(slice_sub(all, 0, space), &version) == ERR_OK && version < INT64_MAX;
    bool same =
        known && slice_starts_with(slice_sub(all, space + 1, all.len), slice_from_cstr(hex));
    mem_free(text);
    if (same) {
        ca->bundle_version = (int64_t)version;
        return ERR_OK;
    }
    ca->bundle_version = known ? (int64_t)version + 1 : 1;
    text = mem_printf("%lld %s\n", (long long)ca->bundle_version, hex);
    e = write_one(c->dir, "bundle.version", text, CERT_MODE, detail);
    mem_free(text);
    return e;
}

/* ---- opening */

static enum err open_dir(const char *dir, char detail[CA_DETAIL_MAX])
{
    struct stat st;
    enum err e = file_make_dirs(dir, DIR_MODE);
    if (e)
        return say(e, detail, "%s: cannot be made: %s", dir, err_text(e));
    if (stat(dir, &st) == 0 && (st.st_mode & 022))
        return say(ERR_DENIED, detail, "%s: group or others may write here; chmod 700 it", dir);
    return ERR_OK;
}

static enum err fill(const struct ca_config *c, struct files *f, int64_t now_ms, struct ca *out,
                     char detail[CA_DETAIL_MAX])
{
    char why[TLS_DETAIL_MAX] = "";
    enum err e = ERR_OK;
    if (!f->root_pem && f->mid_pem)
        return say(ERR_NOT_FOUND, detail, "%s: there is an intermediate.pem but no root.pem",
                   c->dir);
    if (!f->root_pem)
        e = make_root(c, now_ms, f, detail);
    if (!e)
        e = check_root(c, f, now_ms, detail);
    if (!e)
        e = settle_intermediate(c, f, now_ms, &out->replace_at_ms, detail);
    if (e)
        return e;
    e = x509_authority_load(slice_from_cstr(f->mid_pem), slice_from_cstr(f->mid_key), &out->signer,
                            why);
    if (e)
        return say(e, detail, "%s/intermediate.pem, intermediate.key: %s", c->dir, why);
    out->signer_pem = mem_strdup(f->mid_pem);
    out->bundle_pem = mem_strdup(f->root_pem);
    out->root_pem = first_block(f->root_pem);
    return settle_version(c, out, detail);
}

enum err ca_open(const struct ca_config *config, int64_t now_ms, struct ca *out,
                 char detail[CA_DETAIL_MAX])
{
    struct files f = {0};
    *out = (struct ca){0};
    enum err e = open_dir(config->dir, detail);
    if (!e)
        e = read_all(config->dir, &f, detail);
    if (!e)
        e = fill(config, &f, now_ms, out, detail);
    drop_files(&f);
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
