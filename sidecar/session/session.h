/* One downstream connection: where it wanted to go, what it speaks, whether it is allowed to, and
 * then an HTTP server or a tunnel on it. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/downstream.h"
#include "lib/io/timer.h"
#include "sidecar/config/client_conf.h"
#include "sidecar/session/subscription.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/worker/worker.h"

struct tunnel;

/* Where a connection may come from, see session/side.h. */
struct side;
extern const struct side side_outbound, side_inbound, side_gateway;

struct session {
    uint32_t magic;
    struct worker *worker;
    struct list node;
    const struct side *side;
    struct stream *transport; /* until an HTTP server or a tunnel takes it */
    struct downstream_info info;
    struct tls_peer peer;      /* what info.tls_peer points at */
    bool is_explicit;          /* not redirected: the Host header decides */
    bool is_mesh;              /* mutual TLS with a mesh peer, by our ALPN */
    bool is_direct;            /* inbound, not redirected: the SNI must say which port it is for */
    struct addr forward;       /* inbound: where the app is; family 0: not known yet */
    uint16_t gateway_port;     /* ingress */
    bool is_bytes;             /* ingress: what is inside TLS is no HTTP */
    bool is_probed;            /* the client was silent, and the server was asked */
    bool has_eof;              /* the client has half-closed while we were deciding */
    bool is_introduced;        /* its PROXY header was read, and info.peer is what that says */
    int protocol;              /* declared: Weft__Config__V1__Protocol */
    struct buf early;          /* read while deciding */
    struct timer timer;        /* silence, then nothing */
    uint64_t decide_by_ms;     /* what it speaks; 0: it has said nothing */
    struct subscription *subscription; /* in what it calls; NULL: nobody is asked */
    struct list parked;        /* waits to hear what that is */
    bool has_waited;           /* for that, and goes on waiting */
    struct http_server *server;
    struct http_server_config server_config; /* its, with the limits of who is served here */
    struct tunnel *tunnel;
    struct list exchanges;
    struct slice xfcc; /* x-forwarded-client-cert for requests of this connection; empty: none */
    char *peer_id; /* the peer's SPIFFE id, or NULL */
    const char *peer_principal; /* the same without the scheme; in peer_id */
    uint64_t trust_version;     /* of the configuration by which is_trusted was found */
    bool is_trusted;            /* by its identity, to say whom requests are from */
    char *sni;                  /* ingress: what info.sni points at, or NULL */
    struct metrics_party party; /* the peer, for metrics: of its certificate, but for … */
    char *party_workload;       /* … what it calls itself */
    bool has_said_source;       /* and it says so once */
    struct port_usage *usage; /* ingress: it counts there, or NULL */
    uint64_t opened_ns;
    struct loop_task grave;
};

/* Takes over an accepted stream. */
void session_open(struct worker *w, struct stream *accepted, const struct side *side,
                  uint16_t gateway_port);
/* Draining: HTTP sessions finish their requests and end, deciding ones are closed, tunnels go on
 * until the end. */
void session_drain(struct session *s);
bool session_is_draining(const struct session *s);
void session_close(struct session *s);
/* After a change of configuration or certificates: closes it when it is no longer allowed (opaque
 * connections, changed mTLS mode), or when the client's certificate, or that of whom an opaque
 * connection leads to, is no longer vouched for by the roots in force. */
void session_judge(struct session *s);

/* What holds for the client's connection by the newest configuration; sidecar inbound and outbound:
 * the mesh's; at a gateway: its listener's, or the port's until a TLS hello was read. Good until
 * the loop's next turn: use it, or copy what is kept. */
const struct client_conf *session_client_conf(const struct session *s);

/* ---- for tunnel.c and exchange.c ---- */
void session_tunnel_ended(struct session *s);
void session_exchange_ended(struct session *s);
/* What the peer's sidecar says it is: "namespace/workload". Of mesh peers only and for metrics
 * only, and only the name is taken from it, when it is one: the namespace is its certificate's. */
void session_learn_source(struct session *s, struct slice label);
/* The endpoint that a probe asked spoke first: an opaque connection. */
void session_probe_spoke(struct session *s);
/* It did not answer; the client may still speak. */
void session_probe_failed(struct session *s);
