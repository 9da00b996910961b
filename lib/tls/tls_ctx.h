/* An immutable TLS configuration, shared by connections of any worker (reference count is atomic).
 * Made anew when certificates change; connections keep the one they began with.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct tls_ctx;
struct tls_roots_report; /* tls_roots.h */
struct tls_suite;        /* tls_suites.h */
struct tls_group;

#define TLS_DETAIL_MAX 256
#define TLS_MIN_RSA_BITS 2048 /* of every certificate of a peer's, and of roots */

/* Once per process, before anything else in the room. */
MUST_USE enum err tls_lib_init(void);

/* A mesh end, server or client: TLS 1.3 only, X25519MLKEM768 first then X25519 and P-256, both ends
 * show an SVID, no tickets, no session cache, no early data. The peer's chain is verified against
 * roots, and its leaf must be a SPIFFE X.509-SVID (exactly one URI SAN, CA:FALSE, digitalSignature
 * and not keyCertSign/cRLSign, EKU with both or none) of trust_domain. */
struct tls_mesh_config {
    bool is_server;
    struct slice cert_chain_pem; /* leaf first */
    struct slice key_pem;
    struct slice roots_pem;
    struct slice trust_domain;
    /* NULL-terminated, in order of preference; server: the ones it accepts, of which the client's
     * order picks. */
    const char *const *alpn;
    /* Server: NULL tls_peer is allowed (certd, before a workload has a certificate). */
    bool peer_cert_optional;
    struct tls_roots_report *roots_report; /* where to say which roots were left out, or NULL */
};
/* On failure detail says what was wrong with which part. */
MUST_USE enum err tls_ctx_create_mesh(const struct tls_mesh_config *config, struct tls_ctx **out,
                                      char detail[TLS_DETAIL_MAX]);

/* A public server (ingress): TLS 1.2 and 1.3. The SNI leads to the certificates for the exact name,
 * else for a wildcard of one label (or more, the listener decides by the names it gives), else for
 * "*", else those for what the first one is for. Of several, the one that the client can verify
 * (signature algorithms, with TLS 1.2 also cipher suites and groups), then the one that has the
 * SNI as a name of its own, exact before wildcard, then the first. */
struct tls_public_cert {
    struct slice cert_chain_pem;
    struct slice key_pem;
    /* Host names this one may answer for, lower-case, "*.x" for wildcards, "*": any. Several
     * certificates may have the same. */
    const struct slice *names;
    size_t name_count;
};
struct tls_public_config {
    const struct tls_public_cert *certs;
    size_t cert_count;
    const char *const *alpn; /* e.g. {"h2", "http/1.1", NULL} */
    /* No matching name: unrecognized_name alert instead of the first certificate. */
    bool strict_sni;
    /* Clients must show a certificate that these roots vouch for; with ask_client and none that is
     * of use nobody's is good. */
    bool ask_client;
    struct slice client_roots_pem;
    /* They need not, and one that is not good is taken for none. */
    bool client_optional;
    /* With client_optional: one that is not good is refused, and only who shows none is served. */
    bool client_bad_refused;
    bool limits_client_path;
    size_t client_path_max; /* certificates between a client's own and the root */
    struct tls_roots_report *roots_report; /* as above, of client_roots_pem */
    bool no_tls12, no_tls13;
    /* In order of preference. None: all suites, and the first three groups. Suites of a version
     * that has none among them are all offered. */
    const struct tls_suite *const *suites;
    size_t suite_count;
    const struct tls_group *const *groups;
    size_t group_count;
};
MUST_USE enum err tls_ctx_create_public(const struct tls_public_config *config,
                                        struct tls_ctx **out, char detail[TLS_DETAIL_MAX]);

/* A client of servers outside the mesh, TLS 1.2 and 1.3: the API server, certd at first contact,
 * upstreams with a BackendTLSPolicy. Without `san_*` the peer must carry server_name, or the SPIFFE
 * id that tls_stream_options names. */
struct tls_client_config {
    struct slice roots_pem;
    const char *const *alpn;
    struct slice cert_chain_pem, key_pem;  /* what we show; empty: nothing */
    const struct slice *san_dns, *san_uri; /* one of these instead of server_name */
    size_t san_dns_count, san_uri_count;
    /* Whoever answers is believed, and roots do not count: for asking the app of one's own pod
     * whether it lives, and for nothing else. */
    bool any_server;
    struct tls_roots_report *roots_report; /* as above */
};
MUST_USE enum err tls_ctx_create_client(const struct tls_client_config *config,
                                        struct tls_ctx **out, char detail[TLS_DETAIL_MAX]);

struct tls_ctx *tls_ctx_ref(struct tls_ctx *c);
void tls_ctx_unref(struct tls_ctx *c);
