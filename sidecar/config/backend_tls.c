/* Contexts for connections to servers outside the mesh, one for each thing a connection may be for.
 * Control thread; the last reference may go on any; reads the machine's own roots from disk. Must
 * not know clusters or endpoints.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/backend_tls.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/tls/tls_ctx.h"

enum { ROOTS_MAX = 8 * 1024 * 1024 };

struct backend_tls {
    _Atomic uint32_t refs;
    uint64_t hash;   /* of the message */
    uint64_t manner; /* of it without the roots and the names that the server may have */
    char *name;
    struct tls_ctx *contexts[BACKEND_SPEECH_COUNT]; /* all, or none */
};

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash * 31 + slice_hash(slice_from_cstr(text));
}

static uint64_t hash_manner(const Weft__Config__V1__UpstreamTls *m)
{
    uint64_t hash = hash_text(0, m->sni);
    hash = hash_text(hash, m->client_cert_chain_pem);
    return hash_text(hash, m->client_key_pem);
}

static uint64_t hash_message(const Weft__Config__V1__UpstreamTls *m)
{
    uint64_t hash = hash_manner(m) + m->n_san_dns * 31 + m->n_san_uri * 2 + m->system_roots;
    hash = hash_text(hash, m->ca_pem);
    for (size_t i = 0; i < m->n_san_dns; i++)
        hash = hash_text(hash, m->san_dns[i]);
    for (size_t i = 0; i < m->n_san_uri; i++)
        hash = hash_text(hash, m->san_uri[i]);
    return hash;
}

/* Where distributions keep what they trust. */
static enum err read_system_roots(char **pem, size_t *len)
{
    const char *const paths[] = {
        getenv("SSL_CERT_FILE"),
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (paths[i] && file_read(paths[i], ROOTS_MAX, pem, len) == ERR_OK)
            return ERR_OK;
    return ERR_NOT_FOUND;
}

static struct slice *to_slices(char *const *texts, size_t count)
{
    struct slice *slices = mem_alloc((count + 1) * sizeof(*slices));
    for (size_t i = 0; i < count; i++)
        slices[i] = slice_from_cstr(texts[i]);
    return slices;
}

static enum err make_contexts(struct backend_tls *t, struct tls_client_config *config,
                              char detail[TLS_DETAIL_MAX])
{
    static const char *const none[] = {NULL}, *const h1[] = {"http/1.1", NULL},
                             *const h2[] = {"h2", NULL}, *const either[] = {"h2", "http/1.1", NULL};
    static const char *const *const names[BACKEND_SPEECH_COUNT] = {
        [BACKEND_BYTES] = none, [BACKEND_H1] = h1, [BACKEND_H2] = h2, [BACKEND_EITHER] = either};
    enum err e = ERR_OK;
    for (int i = 0; i < BACKEND_SPEECH_COUNT && !e; i++) {
        config->alpn = names[i];
        e = tls_ctx_create_client(config, &t->contexts[i], detail);
        if (e)
            t->contexts[i] = NULL;
    }
    for (int i = 0; i < BACKEND_SPEECH_COUNT && e; i++) {
        tls_ctx_unref(t->contexts[i]);
        t->contexts[i] = NULL;
    }
    return e;
}

static enum err fill(struct backend_tls *t, const Weft__Config__V1__UpstreamTls *from,
                     char detail[TLS_DETAIL_MAX])
{
    char *pem = NULL;
    size_t len = 0;
    if (from->system_roots && read_system_roots(&pem, &len) != ERR_OK) {
        snprintf(detail, TLS_DETAIL_MAX, "this machine has no file of trusted roots");
        return ERR_NOT_FOUND;
    }
    struct slice *dns = to_slices(from->san_dns, from->n_san_dns);
    struct slice *uri = to_slices(from->san_uri, from->n_san_uri);
    struct tls_client_config config = {
        .roots_pem = pem ? slice_of(pem, len) : slice_from_cstr(from->ca_pem),
        .cert_chain_pem = slice_from_cstr(from->client_cert_chain_pem),
        .key_pem = slice_from_cstr(from->client_key_pem),
        .san_dns = dns,
        .san_dns_count = from->n_san_dns,
        .san_uri = uri,
        .san_uri_count = from->n_san_uri,
    };
    enum err e = make_contexts(t, &config, detail);
    mem_free(dns);
    mem_free(uri);
    mem_free(pem);
    return e;
}

struct backend_tls *backend_tls_create(const Weft__Config__V1__UpstreamTls *from,
                                       struct slice cluster, struct backend_tls *before)
{
    uint64_t hash = hash_message(from);
    char detail[TLS_DETAIL_MAX] = "";
    if (before && before->hash == hash && before->contexts[BACKEND_BYTES])
        return backend_tls_ref(before);
    struct backend_tls *t = mem_zalloc(sizeof(*t));
    atomic_init(&t->refs, 1);
    t->hash = hash;
    t->manner = hash_manner(from);
    t->name = mem_strdup(from->sni);
    if (fill(t, from, detail) != ERR_OK)
        LOG_E("config", "%.*s: no TLS can be spoken with it, so it is not called: %s",
              SLICE_ARG(cluster), detail);
    return t;
}

struct backend_tls *backend_tls_ref(struct backend_tls *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void backend_tls_unref(struct backend_tls *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < BACKEND_SPEECH_COUNT; i++)
        tls_ctx_unref(t->contexts[i]);
    mem_free(t->name);
    mem_free(t);
}

bool backend_tls_is_alike(const struct backend_tls *a, const struct backend_tls *b)
{
    return a->manner == b->manner;
}

struct tls_ctx *backend_tls_context(const struct backend_tls *t, enum backend_speech speech)
{
    return t->contexts[speech];
}

struct slice backend_tls_name(const struct backend_tls *t)
{
    return slice_from_cstr(t->name);
}
