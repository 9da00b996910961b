/* A bed for HTTP connections without a network: one end is a server or a client of ours, the other
 * a memory stream whose bytes the test writes and reads by hand. Time stands still. Everything
 * that a stream's user would hear is kept. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/io/loop.h"
#include "lib/io/memstream.h"
#include "lib/net/http_client.h"
#include "lib/net/http_server.h"

enum { HTTP_BED_STREAMS = 8 };

/* One stream's user: what happened to it. */
struct http_bed_stream {
    struct http_stream st;
    struct arena arena;
    struct http_bed *bed;
    struct message *head; /* the last one */
    unsigned heads;
    bool head_end;
    char body[4096];
    size_t body_len; /* also what did not fit in body */
    unsigned ends;
    const struct headers *trailers;
    unsigned writables;
    unsigned aborts;
    enum err abort_why;
    unsigned dones;
    bool dropped; /* the test is through with it */
};

struct http_bed {
    struct loop *loop;
    struct stream *ours, *peer;
    struct http_server *server;
    struct http_client *client;
    struct http_server_config server_config;
    struct http_client_config client_config;
    struct http_bed_stream streams[HTTP_BED_STREAMS];
    unsigned stream_count;
    bool refuse;  /* on_stream gives NULL */
    bool consume; /* body bytes are consumed as they come */
    bool reset_on_head, reset_on_body, reset_on_end;
    char got[65536]; /* by the peer */
    size_t got_len;  /* also what did not fit */
    bool peer_eof, peer_failed;
    unsigned closed;
    enum err closed_why;
    unsigned bad_requests;
    unsigned bad_status;
    const char *bad_reason;
    unsigned retired, capacities;
};

/* Configuration and options may be NULL. Body bytes are consumed as they come, until `consume` is
 * unset. */
struct http_bed *http_bed_create_server(const struct http_server_config *config,
                                        const struct memstream_options *options);
struct http_bed *http_bed_create_client(const struct http_client_config *config,
                                        const struct memstream_options *options);
/* Also checks that the connection ended exactly once. */
void http_bed_destroy(struct http_bed *b);
/* It ended well, or was aborted for this reason. */
void http_bed_assert_done(const struct http_bed_stream *s);
void http_bed_assert_aborted(const struct http_bed_stream *s, enum err why);
/* Until nothing moves any more. */
void http_bed_run(struct http_bed *b);
/* The peer writes, then everything runs. */
void http_bed_feed(struct http_bed *b, const char *text);
void http_bed_feed_bytes(struct http_bed *b, struct slice bytes);
/* Without running. */
void http_bed_write(struct http_bed *b, struct slice bytes);
/* What the peer got since the last call is exactly this. */
void http_bed_expect(struct http_bed *b, const char *text);
/* The peer closes its direction; bare: as under TLS without a close_notify. */
void http_bed_half_close(struct http_bed *b);
void http_bed_half_close_bare(struct http_bed *b);
/* The bytes of a stream's body are these. */
void http_bed_expect_body(const struct http_bed_stream *s, const char *text);
/* A response with these fields ("a: b\r\n…", lower-case) and body, as a server's answer. length -1:
 * not said. Body NULL: more will follow. */
void http_bed_answer(struct http_bed_stream *s, unsigned status, const char *body, int64_t length);
/* Sends a request as a client; body as above. */
struct http_bed_stream *http_bed_request(struct http_bed *b, const char *method, const char *body,
                                         int64_t length);
struct http_bed_stream *http_bed_send(struct http_bed *b, const struct message *m, bool end);
/* A message in the stream's arena, to be filled. */
struct message *http_bed_message(struct http_bed_stream *s);
struct http_bed_stream *http_bed_new_stream(struct http_bed *b);
/* Forgets streams that are over, so that there is room for new ones. */
void http_bed_forget_streams(struct http_bed *b);
void http_bed_send_text(struct http_bed_stream *s, const char *text, bool end);
