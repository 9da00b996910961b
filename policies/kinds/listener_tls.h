/* How TLS ends at a Gateway's listeners: versions, cipher suites, groups, ALPN, and what is asked
 * of clients. The section `tls` of ListenerPolicy. Each leaf is taken from the narrowest policy
 * that says it, else from its fallback.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

/* To add a setting: a member here and a row in listener_tls.c, with SCHEMA_INHERIT; a field of
 * ListenerTls in policies/proto/config.proto, and the line that fills it in
 * policies/compile/compile_listener_tls.c; the line that reads it in sidecar/config/listener_tls.c,
 * and one in put_tls of sidecar/config/snapshot_dump.c. */

enum listener_tls_version { LISTENER_TLS_1_2, LISTENER_TLS_1_3 };

enum listener_tls_mode {
    LISTENER_TLS_REQUIRED,
    LISTENER_TLS_OPTIONAL,
    LISTENER_TLS_NONE,
};

/* What is asked of clients. */
struct listener_tls_clients {
    int mode; /* enum listener_tls_mode; SCHEMA_UNSET: what the Gateway says */
    struct schema_list authorities; /* struct gateway_certificate_ref */
    int64_t depth;                  /* certificates between a client's and its root, at most */
};

/* Members are SCHEMA_UNSET where nothing is said. */
struct listener_tls {
    int min_version, max_version; /* enum listener_tls_version */
    struct schema_list ciphers;   /* struct slice, as are the next two; none: all */
    struct schema_list groups;
    struct schema_list alpn;
    struct listener_tls_clients clients;
};

extern const struct schema listener_tls_schema; /* of struct listener_tls */

/* Anything at all? */
bool listener_tls_is_said(const struct listener_tls *tls);
