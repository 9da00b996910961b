/* From a certificate to what workers hold: TLS contexts, one per ALPN name. Control thread. Must
 * not know where the certificate came from, nor who uses the contexts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/worker/mesh_contexts.h"

#include "lib/base/log.h"
#include "lib/tls/tls_check.h"
#include "lib/tls/tls_roots.h"

static void drop(struct tls_ctx *server, struct tls_ctx *const client[], int count)
{
    tls_ctx_unref(server);
    for (int i = 0; i < count; i++)
        tls_ctx_unref(client[i]);
}

static enum err make_contexts(const struct identity_material *m, const char *trust_domain,
                              struct tls_ctx **server, struct tls_ctx *client[MESH_ALPN_COUNT],
                              char detail[TLS_DETAIL_MAX])
{
    struct tls_roots_report report = {0};
    struct tls_mesh_config config = {
        .is_server = true,
        .cert_chain_pem = slice_from_cstr(m->chain_pem),
        .key_pem = slice_from_cstr(m->key_pem),
        .roots_pem = slice_from_cstr(m->roots_pem),
        .trust_domain = slice_from_cstr(trust_domain),
        .alpn = mesh_alpn_names,
        .roots_report = &report,
    };
    enum err e = tls_ctx_create_mesh(&config, server, detail);
    if (e != ERR_OK)
        return e;
    if (report.skipped)
        LOG_W("identity", "of the trust bundle is left out: %s", report.text);
    config.is_server = false;
    for (int i = 0; i < MESH_ALPN_COUNT; i++) {
        const char *const alpn[] = {mesh_alpn_names[i], NULL};
        config.alpn = alpn;
        e = tls_ctx_create_mesh(&config, &client[i], detail);
        if (e == ERR_OK)
            continue;
        drop(*server, client, i);
        return e;
    }
    e = tls_check_pair(client[MESH_ALPN_H2], *server, NULL, detail);
    if (e != ERR_OK)
        drop(*server, client, MESH_ALPN_COUNT);
    return e;
}

enum err mesh_contexts_make(uint64_t generation, const struct identity_material *m,
                            const char *trust_domain, const char *spiffe_id,
                            struct mesh_identity **out, char detail[TLS_DETAIL_MAX])
{
    struct tls_ctx *server, *client[MESH_ALPN_COUNT];
    enum err e = make_contexts(m, trust_domain, &server, client, detail);
    if (e == ERR_OK)
        *out = mesh_identity_create(generation, server, client, slice_from_cstr(spiffe_id),
                                    m->not_after_ms);
    return e;
}
