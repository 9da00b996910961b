/* An opaque connection carried through: bytes both ways, half-close kept, back-pressure passed on.
 * Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/session/session.h"
#include "sidecar/upstream/cluster.h"

struct tunnel;

/* Takes over s->transport and the bytes in s->early; dials an endpoint of `cluster`. `probe`: only
 * listens to what the endpoint says first; the session keeps the downstream and decides by
 * tunnel_commit or tunnel_close. */
struct tunnel *tunnel_open(struct session *s, struct cluster *cluster, bool probe);
/* The probe becomes a tunnel: from here on it owns the downstream. */
void tunnel_commit(struct tunnel *t);
void tunnel_close(struct tunnel *t);
/* The client's stream; NULL for a probe. */
struct stream *tunnel_downstream(const struct tunnel *t);
/* See dialer_trusts. */
bool tunnel_trusts(const struct tunnel *t, char why[TLS_DETAIL_MAX]);
