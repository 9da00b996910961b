/* Certificates at rest, and whether they are ours. On the owner's thread; blocks on files; knows
 * nothing of certd nor of TLS contexts. Private keys are written for this user's eyes only.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/identity/identity_material.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_chain.h"
#include "lib/tls/x509.h"

#define PEM_MAX (1024u * 1024)

void identity_material_dispose(struct identity_material *m)
{
    mem_free(m->key_pem);
    mem_free(m->chain_pem);
    mem_free(m->roots_pem);
    *m = (struct identity_material){0};
}

enum err identity_material_check(struct identity_material *m, const char *spiffe_id, int64_t now_ms,
                                 char detail[TLS_DETAIL_MAX])
{
    struct x509_facts facts;
    enum err e = x509_read(slice_from_cstr(m->chain_pem), &facts);
    if (e != ERR_OK) {
        snprintf(detail, TLS_DETAIL_MAX, "the certificate cannot be read: %s", err_text(e));
        return e;
    }
    m->not_before_ms = facts.not_before_ms;
    m->not_after_ms = facts.not_after_ms;
    if (facts.is_ca || !facts.spiffe_id || strcmp(facts.spiffe_id, spiffe_id) != 0) {
        snprintf(detail, TLS_DETAIL_MAX, "the certificate is for %s, this workload is %s",
                 facts.spiffe_id ? facts.spiffe_id : "no SPIFFE ID", spiffe_id);
        e = ERR_DENIED;
    } else if (facts.not_after_ms <= now_ms) {
        snprintf(detail, TLS_DETAIL_MAX, "the certificate has expired");
        e = ERR_EXPIRED;
    }
    x509_facts_dispose(&facts);
    if (e == ERR_OK)
        e = tls_chain_check(slice_from_cstr(m->chain_pem), slice_from_cstr(m->roots_pem), detail);
    return e;
}

static enum err read_pem(const char *path, char **pem)
{
    size_t len;
    return file_read(path, PEM_MAX, pem, &len);
}

enum err identity_material_read(struct identity_material *m, const char *key_file,
                                const char *chain_file, const char *roots_file)
{
    *m = (struct identity_material){0};
    enum err e = read_pem(key_file, &m->key_pem);
    if (e == ERR_OK)
        e = read_pem(chain_file, &m->chain_pem);
    if (e == ERR_OK)
        e = read_pem(roots_file, &m->roots_pem);
    if (e != ERR_OK)
        identity_material_dispose(m);
    return e;
}

static char *in_dir(const char *dir, const char *name)
{
    return mem_printf("%s/%s", dir, name);
}

/* The key's block, and everything behind it. */
static enum err split(const char *both, struct identity_material *m)
{
    struct slice rest = slice_from_cstr(both);
    struct pem_block block;
    if (pem_next(&rest, &block) || !slice_ends_with(block.label, SLICE("PRIVATE KEY")))
        return ERR_SYNTAX;
    m->key_pem = mem_printf("%.*s\n", SLICE_ARG(block.whole));
    m->chain_pem = mem_strndup(rest.ptr, rest.len);
    return ERR_OK;
}

enum err identity_material_load(struct identity_material *m, const char *dir)
{
    char *path = in_dir(dir, "identity.pem"), *roots = in_dir(dir, "roots.pem"), *both = NULL;
    *m = (struct identity_material){0};
    enum err e = read_pem(path, &both);
    if (e == ERR_OK)
        e = split(both, m);
    if (e == ERR_OK)
        e = read_pem(roots, &m->roots_pem);
    if (e != ERR_OK)
        identity_material_dispose(m);
    mem_free(both);
    mem_free(path);
    mem_free(roots);
    return e;
}

static enum err write_pem(const char *dir, const char *name, const char *pem)
{
    char *path = in_dir(dir, name);
    enum err e = file_write_atomic(path, pem, strlen(pem), 0600);
    mem_free(path);
    return e;
}

/* Roots first: a crash in between leaves the older certificate with roots that still know it. */
enum err identity_material_save(const struct identity_material *m, const char *dir)
{
    char *both = mem_printf("%s%s", m->key_pem, m->chain_pem);
    enum err e = file_make_dirs(dir, 0700);
    if (e == ERR_OK)
        e = write_pem(dir, "roots.pem", m->roots_pem);
    if (e == ERR_OK)
        e = write_pem(dir, "identity.pem", both);
    mem_free(both);
    return e;
}
