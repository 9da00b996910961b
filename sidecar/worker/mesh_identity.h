/* The TLS contexts a workload speaks to the mesh with: one immutable, reference-counted set per
 * certificate. The control thread makes a new one at every renewal and hands it to the workers;
 * connections keep the contexts they began with.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/tls/tls_ctx.h"

/* What a mesh connection carries, chosen by ALPN. */
enum mesh_alpn { MESH_ALPN_H2, MESH_ALPN_H1, MESH_ALPN_TCP, MESH_ALPN_COUNT };

extern const char *const mesh_alpn_names[MESH_ALPN_COUNT + 1]; /* NULL-terminated */

struct mesh_identity {
    _Atomic uint32_t refs;
    uint64_t generation; /* counts up; connections of an older one are retired */
    struct tls_ctx *server;
    struct tls_ctx *client[MESH_ALPN_COUNT];
    char *spiffe_id;
    int64_t not_after_ms; /* wall clock */
};

/* Takes over one reference of every context. */
struct mesh_identity *mesh_identity_create(uint64_t generation, struct tls_ctx *server,
                                           struct tls_ctx *const client[MESH_ALPN_COUNT],
                                           struct slice spiffe_id, int64_t not_after_ms);
struct mesh_identity *mesh_identity_ref(struct mesh_identity *m);
/* NULL is allowed. */
void mesh_identity_unref(struct mesh_identity *m);
