/* A bed for HTTP/2 connections without a network: http_client and http_server joined by memory
 * streams on a simulated loop, or one of them against a peer whose bytes the test writes. What the
 * users would hear is kept. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/io/loop.h"
#include "lib/io/memstream.h"
#include "lib/net/http_client.h"
#include "lib/net/http_server.h"

enum { H2_NET_STREAMS = 24 };

struct h2_net_stream {
    struct http_stream st;
    struct arena arena;
    struct h2_net_bed *bed;
    struct message *head;
    unsigned heads, ends, writables, aborts, dones;
    bool head_end;
    size_t body_len;
    char body[256]; /* its beginning */
    const struct headers *trailers;
    enum err why;
    bool server_side;
};

struct h2_net_bed {
    struct loop *loop;
    struct http_server_config server_config;
    struct http_client_config client_config;
    struct http_server *server; /* NULL once closed */
    struct http_client *client;
    struct stream *ours, *theirs; /* the ends of the pipe; `theirs` when the test is the peer */
    struct h2_net_stream streams[H2_NET_STREAMS];
    unsigned count;
    struct h2_net_stream *requests[H2_NET_STREAMS]; /* the server's, in order */
    unsigned request_count;
    bool refuse, hold; /* on_stream gives NULL; bodies are not consumed */
    struct buf early;
    unsigned server_closed, client_closed, retired, capacities, bad_requests, bad_status;
    enum err server_why, client_why;
    bool has_detail;
    struct buf got; /* by the test as a peer */
    bool peer_eof, peer_failed, peer_stopped;
};

/* Configs before; memory streams as in lib/io/memstream.h. */
void h2_net_open(struct h2_net_bed *b, const struct memstream_options *options);
/* One end only; the test is the other. */
void h2_net_open_server(struct h2_net_bed *b, const struct memstream_options *options);
void h2_net_open_client(struct h2_net_bed *b, const struct memstream_options *options);
void h2_net_close(struct h2_net_bed *b);
/* Until all is quiet. */
void h2_net_run(struct h2_net_bed *b);
void h2_net_advance(struct h2_net_bed *b, uint64_t ms);

struct h2_net_stream *h2_net_request(struct h2_net_bed *b, const char *method, bool end);
void h2_net_respond(struct h2_net_stream *s, unsigned status, bool end);
void h2_net_body(struct h2_net_stream *s, size_t len, bool end);
void h2_net_trailers(struct h2_net_stream *s);
/* As the peer. */
void h2_net_write(struct h2_net_bed *b, const void *data, size_t len);
/* Preface (to a server) and SETTINGS. */
void h2_net_greet(struct h2_net_bed *b, bool to_server);
/* How many frames of that type are in what the peer got; all of it is dropped. */
unsigned h2_net_count(struct h2_net_bed *b, uint8_t type);
