/* What the files of this room share: wolfSSL's headers in the order they need, and the context.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/tls/tls_ctx.h"
#include "lib/tls/tls_own_cert.h"
#include "lib/tls/tls_roots.h"
#include "lib/tls/tls_suites.h"

enum tls_role { TLS_MESH_SERVER, TLS_MESH_CLIENT, TLS_PUBLIC_SERVER, TLS_CLIENT };

/* A host name and a certificate that may answer for it. */
struct tls_name {
    struct slice text; /* in the context's own storage */
    size_t cert;
};

struct tls_ctx {
    atomic_uint refs;
    enum tls_role role;
    WOLFSSL_CTX **libs; /* one for each certificate; others have exactly one */
    size_t lib_count;
    struct tls_roots *roots; /* who vouches for peers; NULL: nobody. wolfSSL itself has none */
    struct tls_name *names;  /* public server, sorted by text, then by certificate */
    size_t name_count;
    struct tls_own_cert *own;        /* public server: one for each certificate */
    char *alpn;                      /* "a,b,c", or NULL */
    char *trust_domain;              /* mesh */
    struct slice *san_dns, *san_uri; /* plain client: one of these instead of a name */
    size_t san_dns_count, san_uri_count;
    bool peer_cert_optional;
    bool ask_client; /* public server: a certificate is asked for */
    bool any_server; /* plain client: nothing about the server is checked */
    bool strict_sni;
    bool refuses_bad;   /* public server: with peer_cert_optional, only who shows none goes on */
    bool limits_path;   /* public server: the path to the root has no more than … */
    size_t path_max;    /* … so many certificates between it and the peer's own */
    unsigned suites;    /* public server: bits by the index in tls_suites */
    bool has_tls13;
    int groups[TLS_GROUP_COUNT]; /* public server: the only ones; none: the library's business */
    int group_count;
};

/* A certificate that the peer shows is judged. */
static inline bool tls_ctx_judges_peer(const struct tls_ctx *c)
{
    return (c->role != TLS_PUBLIC_SERVER || c->ask_client) && !c->any_server;
}

/* A peer must show a certificate that passes. */
static inline bool tls_ctx_needs_peer(const struct tls_ctx *c)
{
    return tls_ctx_judges_peer(c) && !c->peer_cert_optional;
}

static inline bool tls_role_is_server(enum tls_role role)
{
    return role == TLS_MESH_SERVER || role == TLS_PUBLIC_SERVER;
}

/* tls_conn_lib.c: the callbacks and what is asked of peers, for a new library context of c. */
void tls_conn_bind(const struct tls_ctx *c, WOLFSSL_CTX *lib);
/* wolfSSL's verify mode for connections of c. */
int tls_conn_verify_mode(const struct tls_ctx *c);
/* tls_sni.c: the library context whose certificate answers for a host name (lower-case, may be
 * empty) to a client that can verify those kinds of keys (enum tls_key_kind); NULL with strict_sni
 * and no match. */
WOLFSSL_CTX *tls_sni_pick(const struct tls_ctx *c, const char *host, unsigned keys);
