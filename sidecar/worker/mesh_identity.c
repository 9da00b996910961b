/* Making a set of TLS contexts of a certificate, and counting references on it, from any thread.
 * The last one lets the contexts go; connections hold references of their own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/worker/mesh_identity.h"

#include "lib/base/mem.h"

const char *const mesh_alpn_names[MESH_ALPN_COUNT + 1] = {
    [MESH_ALPN_H2] = "weft-h2",
    [MESH_ALPN_H1] = "weft-h1",
    [MESH_ALPN_TCP] = "weft-tcp",
};

struct mesh_identity *mesh_identity_create(uint64_t generation, struct tls_ctx *server,
                                           struct tls_ctx *const client[MESH_ALPN_COUNT],
                                           struct slice spiffe_id, int64_t not_after_ms)
{
    struct mesh_identity *m = mem_zalloc(sizeof(*m));
    atomic_init(&m->refs, 1);
    m->generation = generation;
    m->server = server;
    for (int i = 0; i < MESH_ALPN_COUNT; i++)
        m->client[i] = client[i];
    m->spiffe_id = mem_strndup(spiffe_id.ptr, spiffe_id.len);
    m->not_after_ms = not_after_ms;
    return m;
}

struct mesh_identity *mesh_identity_ref(struct mesh_identity *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void mesh_identity_unref(struct mesh_identity *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    tls_ctx_unref(m->server);
    for (int i = 0; i < MESH_ALPN_COUNT; i++)
        tls_ctx_unref(m->client[i]);
    mem_free(m->spiffe_id);
    mem_free(m);
}
