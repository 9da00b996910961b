/* TLS without cryptography, so that simulations are fast and repeat exactly: a ClientHello that
 * sniffs as one, an answer, and then plain bytes. It defines the functions of lib/tls/tls_ctx.h and
 * lib/net/tls_stream.h that the data plane uses; identities and ALPN are judged as the real ones
 * are, and nothing else is. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "lib/tls/tls_ctx.h"
#include "sidecar/worker/mesh_identity.h"

/* A workload's certificate. */
struct mesh_identity *sim_tls_identity(uint64_t generation, const char *spiffe_id);
/* A client's stream, whose user reads already, becomes a TLS client that shows this identity (NULL:
 * none) and offers this name (NULL: none). What the user writes goes out behind the hello. */
void sim_tls_connect(struct stream *s, const char *spiffe_id, const char *alpn);
/* The same, and asks for that name (NULL: for none). */
void sim_tls_connect_to(struct stream *s, const char *sni, const char *id, const char *alpn);
/* A server outside the mesh. `id` is "<who vouches for it>:<its name>"; alpn NULL: none. */
struct tls_ctx *sim_tls_server(const char *id, const char *const *alpn);
/* It wants a client certificate: an id that begins with `roots`. */
void sim_tls_ask(struct tls_ctx *server, const char *roots);
/* An accepted stream, whose user reads already, becomes that server. */
void sim_tls_accept(struct stream *s, struct tls_ctx *server);
/* What the client asked for. */
const char *sim_tls_sni(struct stream *s);
/* Handshakes that came to a good end, both ends counted once. */
unsigned sim_tls_handshakes(void);
void sim_tls_reset(void);
