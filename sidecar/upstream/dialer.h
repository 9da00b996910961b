/* Opens a stream to an endpoint: TCP, over it mutual TLS when the endpoint is in the mesh, and over
 * that TLS of its own when the cluster has a policy for it. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "sidecar/config/backend_tls.h"
#include "filters/fail.h"
#include "sidecar/worker/mesh_identity.h"
#include "sidecar/upstream/cluster.h"

/* Events as for tcp_dial: on_open or on_fail follows, never before this returns. NULL when it must
 * not even be tried; *why says so (no identity yet, no usable roots, or the address is this
 * sidecar's own). */
struct stream *dialer_open(struct endpoint *e, enum backend_speech speech,
                           const struct stream_events *events, void *owner, enum fail *why);
/* After a change of roots: would an open stream of dialer_open's pass its checks today, by what its
 * peers showed when it was made? */
bool dialer_trusts(const struct endpoint *e, enum backend_speech speech, struct stream *s,
                   char why[TLS_DETAIL_MAX]);
/* What a dial's on_fail means. */
enum fail dialer_fail(enum err why);
