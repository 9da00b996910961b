/* A caller of a gRPC service, for tests: real HTTP/2 over streams in memory, and instead of a TLS
 * handshake the certificate that it is said to have shown. On a simulated loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/net/grpc_client.h"
#include "lib/net/grpc_server.h"

struct fake_peer {
    struct loop *loop;
    const struct grpc_service *service;
    struct grpc_client *client; /* to call it with */
    struct grpc_server *server; /* NULL: no connection */
    struct stream *near;
    struct loop_task connected;
    struct stream_ops ops; /* the memory stream's, but for what is known of the other end */
    const struct stream_ops *lower;
    struct tls_peer tls;
    struct addr from;
};

/* id: in the certificate that it shows; NULL: it shows none. Dispose it before the loop. */
void fake_peer_init(struct fake_peer *p, struct loop *l, const struct grpc_service *service,
                    const char *id, int64_t not_after_ms, const char *ip);
void fake_peer_dispose(struct fake_peer *p);
