/* Questions that a session asks of the configuration: which protocol was declared, where an opaque
 * connection goes, and whether it may. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/sniff.h"
#include "lib/tls/tls_ctx.h"
#include "sidecar/session/session.h"

/* What the port was declared to speak (AUTO: nobody said; TCP also for destinations that are not
 * ours). */
int session_outbound_protocol(const struct session *s);
int session_inbound_protocol(const struct session *s);
bool session_is_declared_http(const struct session *s);
/* Does the ClientHello offer one of our ALPN names, and is mutual TLS not disabled here? */
bool session_offers_mesh(const struct session *s, const struct sniff_hello *hello);
/* A connection that was not redirected says by its SNI, "p<port>.weft", which of the app's ports it
 * is for. False: it does not, or that is none that the app is called at. */
bool session_take_named_port(struct session *s, struct slice sni);
/* Where an opaque connection goes; NULL: nowhere. */
struct cluster *session_cluster(struct session *s);
/* At a gateway: is there any for this connection, whichever share it falls into? */
bool session_has_backend(const struct session *s);
/* False with the reason when policies or the mTLS mode forbid it. */
bool session_admit_opaque(struct session *s, char why[128]);
/* Would the client be let in today, by what it showed when it came? False with the reason when the
 * roots that vouched for it are no longer those in force (a client CA, the trust bundle). What is
 * not TLS of ours is always. */
bool session_is_trusted(const struct session *s, char why[TLS_DETAIL_MAX]);
/* Fills peer_principal and xfcc from the verified peer. */
void session_describe_peer(struct session *s);
