/* The simulated network: what stands in for sockets when the data plane is linked into a test. It
 * defines the functions of lib/io/tcp.h and lib/io/listener.h over memory streams: a dial finds the
 * host that was put at that address, and a host that does not exist refuses. One network at a time;
 * single-threaded. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/list.h"
#include "lib/io/memstream.h"
#include "lib/tls/tls_ctx.h"

enum sim_answer {
    SIM_ACCEPT,
    SIM_REFUSE,
    SIM_SILENT, /* the dial runs into its timeout */
};

/* Somebody at an address. Port 0: at all ports of that address. */
struct sim_host {
    struct list node;
    struct addr at;
    bool behind_proxy;   /* only for who dials from the passthrough address: the app in the pod */
    uint16_t proxy_port; /* not 0: whatever is dialled is redirected to this port */
    enum sim_answer answer;
    struct memstream_options options; /* of connections to it */
    uint32_t connect_ms;              /* how long a dial takes; 0: till the end of the turn */
    unsigned dials;
    void (*on_accept)(struct sim_host *h, struct stream *accepted, const struct addr *to);
    void *owner;
};

void sim_net_open(struct loop *l);
/* Every stream must be closed. */
void sim_net_close(void);
void sim_net_add(struct sim_host *h);
void sim_net_remove(struct sim_host *h);
/* Streams whose users have not closed them yet. */
unsigned sim_net_streams(void);
/* Listening sockets that the data plane has open. */
unsigned sim_net_listeners(void); /* sim_listener.c */
bool sim_net_listens_at(const struct addr *at);
/* A connection comes in by the one that listens there. */
void sim_net_arrive(const struct addr *at, struct stream *accepted);
/* What opening one comes to, until ERR_OK is said. */
void sim_net_refuse_listeners(enum err why);
enum err sim_net_listener_refusal(void);

/* A connected pair with addresses. `original`: what tcp_original_dst says of `server`; NULL:
 * nothing. */
void sim_net_pair(const struct memstream_options *options, const struct addr *client_at,
                  const struct addr *server_at, const struct addr *original, struct stream **client,
                  struct stream **server);
/* As memstream_pump: moves what there is without ending the turn. */
bool sim_net_pump(struct stream *s);
/* Both ends fail with that. */
void sim_net_cut(struct stream *s, enum err why);

/* ---- for sim_tls.c: a stream that becomes a TLS stream stays the same stream ---- */
struct sim_tls;
struct sim_tls *sim_net_tls(struct stream *s); /* NULL: plain */
/* `dispose` is called when the stream is closed. */
void sim_net_set_tls(struct stream *s, struct sim_tls *tls, void (*dispose)(struct sim_tls *),
                     void (*describe)(const struct sim_tls *, struct stream_info *));
