/* TLS towards a cluster's endpoints that is no business of the mesh (BackendTLSPolicy): its
 * contexts, made with the snapshot so that a dial makes none. Immutable and reference-counted; kept
 * from one snapshot to the next while nothing about it changes, however the endpoints do.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"
#include "policies/proto/config.pb-c.h"

/* What the connection is for: the names that ALPN offers. */
enum backend_speech {
    BACKEND_BYTES,  /* none */
    BACKEND_H1,     /* http/1.1 */
    BACKEND_H2,     /* h2 */
    BACKEND_EITHER, /* both, and the endpoint chooses */
    BACKEND_SPEECH_COUNT
};

struct backend_tls;
struct tls_ctx;

/* before: the one that this may replace, or NULL. Never fails: what cannot be made makes dials
 * fail, and nothing goes out in the clear. The reason is in the log, with the cluster's name. */
struct backend_tls *backend_tls_create(const Weft__Config__V1__UpstreamTls *from,
                                       struct slice cluster, struct backend_tls *before);
struct backend_tls *backend_tls_ref(struct backend_tls *t);
void backend_tls_unref(struct backend_tls *t);

/* They differ in whom is trusted at most: what was made by the one serves the other, if its server
 * is still trusted. */
bool backend_tls_is_alike(const struct backend_tls *a, const struct backend_tls *b);
/* NULL: such a connection cannot be made. */
struct tls_ctx *backend_tls_context(const struct backend_tls *t, enum backend_speech speech);
/* What to ask for; also what the certificate must be for, unless the policy names others. */
struct slice backend_tls_name(const struct backend_tls *t);
