/* lib/tls/tls_ctx.h without cryptography: what a real context is made from is remembered as text.
 * On the simulation's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_tls_ctx.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/sim/sim_tls.h"

static struct tls_ctx *make_ctx(bool is_server, const char *id)
{
    struct tls_ctx *c = mem_zalloc(sizeof(*c));
    c->refs = 1;
    c->is_server = is_server;
    snprintf(c->id, sizeof(c->id), "%s", id ? id : "");
    return c;
}

static void add_alpn(struct tls_ctx *c, const char *name)
{
    snprintf(c->alpn[c->alpn_count++], sizeof(c->alpn[0]), "%s", name);
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *c)
{
    c->refs++;
    return c;
}

void tls_ctx_unref(struct tls_ctx *c)
{
    if (c && --c->refs == 0)
        mem_free(c);
}

static void add_alpns(struct tls_ctx *c, const char *const *alpn)
{
    for (unsigned i = 0; alpn && i < SIM_ALPN_MAX && alpn[i]; i++)
        add_alpn(c, alpn[i]);
}

enum err tls_ctx_create_public(const struct tls_public_config *config, struct tls_ctx **out,
                               char detail[TLS_DETAIL_MAX])
{
    (void)detail;
    struct tls_ctx *c = make_ctx(true, NULL);
    c->is_public = true;
    c->asks = config->ask_client;
    c->is_optional = config->client_optional;
    snprintf(c->roots, sizeof(c->roots), "%.*s", SLICE_ARG(config->client_roots_pem));
    add_alpns(c, config->alpn);
    *out = c;
    return ERR_OK;
}

static void add_sans(struct tls_ctx *c, const struct slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(c->sans);
        snprintf(c->sans + len, sizeof(c->sans) - len, " %.*s ", SLICE_ARG(names[i]));
    }
}

enum err tls_ctx_create_client(const struct tls_client_config *config, struct tls_ctx **out,
                               char detail[TLS_DETAIL_MAX])
{
    bool has_roots = config->any_server || config->roots_pem.len;
    if (!has_roots || slice_eq(config->roots_pem, SLICE("broken"))) {
        snprintf(detail, TLS_DETAIL_MAX, "the roots are no certificates");
        return ERR_SYNTAX;
    }
    struct tls_ctx *c = make_ctx(false, NULL);
    c->is_stranger = true;
    c->believes_all = config->any_server;
    snprintf(c->id, sizeof(c->id), "%.*s", SLICE_ARG(config->cert_chain_pem));
    snprintf(c->roots, sizeof(c->roots), "%.*s", SLICE_ARG(config->roots_pem));
    add_sans(c, config->san_dns, config->san_dns_count);
    add_sans(c, config->san_uri, config->san_uri_count);
    add_alpns(c, config->alpn);
    *out = c;
    return ERR_OK;
}

struct tls_ctx *sim_tls_server(const char *id, const char *const *alpn)
{
    struct tls_ctx *c = make_ctx(true, id);
    c->is_public = true;
    add_alpns(c, alpn);
    return c;
}

void sim_tls_ask(struct tls_ctx *server, const char *roots)
{
    server->asks = true;
    snprintf(server->roots, sizeof(server->roots), "%s", roots);
}

struct tls_ctx *sim_tls_ctx_client(const char *spiffe_id, const char *alpn)
{
    struct tls_ctx *c = make_ctx(false, spiffe_id);
    if (alpn)
        add_alpn(c, alpn);
    return c;
}

struct mesh_identity *sim_tls_identity(uint64_t generation, const char *spiffe_id)
{
    struct tls_ctx *server = make_ctx(true, spiffe_id), *client[MESH_ALPN_COUNT];
    for (unsigned i = 0; i < MESH_ALPN_COUNT; i++) {
        add_alpn(server, mesh_alpn_names[i]);
        client[i] = sim_tls_ctx_client(spiffe_id, mesh_alpn_names[i]);
    }
    return mesh_identity_create(generation, server, client, slice_from_cstr(spiffe_id), 0);
}
