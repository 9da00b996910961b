/* A peer that speaks raw bytes, scripted by the test: the client of a sidecar, or the app behind
 * one. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_text.h"

struct sim_peer {
    struct list node;
    struct stream *s; /* NULL: closed by us */
    struct sim_text in;
    struct loop *loop;
    bool opened, eof, failed;
    enum err why;
    struct addr to; /* accepted: whom the dialler wanted */
};

/* Reads everything from now on. */
struct sim_peer *sim_peer_create(struct stream *s);
/* Resets it if it is open: one that still waits for something is gone then. */
void sim_peer_destroy(struct sim_peer *p);
void sim_peer_send(struct sim_peer *p, const char *text);
void sim_peer_send_bytes(struct sim_peer *p, const void *data, size_t len);
/* FIN. */
void sim_peer_shut(struct sim_peer *p);
void sim_peer_close(struct sim_peer *p);
/* RST. */
void sim_peer_reset(struct sim_peer *p);
void sim_peer_read(struct sim_peer *p, bool on);
/* What came since the last time, as text; valid until more comes. */
const char *sim_peer_got(const struct sim_peer *p);
void sim_peer_forget(struct sim_peer *p);
/* The text must be exactly what came; then it is forgotten. */
void sim_peer_expect(struct sim_peer *p, const char *text);
/* Must begin with `start` and contain `part` (may be NULL); then it is forgotten. */
void sim_peer_expect_part(struct sim_peer *p, const char *start, const char *part);
/* Nothing more will come: FIN or RST arrived. */
bool sim_peer_is_over(const struct sim_peer *p);

/* An app at an address that only accepts; the test speaks for each connection. */
struct sim_app {
    struct sim_host host;
    struct list accepted; /* not yet asked for */
    struct list all;
    unsigned connections;
    struct tls_ctx *tls; /* not NULL: it speaks TLS (the test's) */
};
void sim_app_open(struct sim_app *a, const char *address);
/* The oldest connection that was not asked for yet; NULL: none. The app's until sim_app_close. */
struct sim_peer *sim_app_accept(struct sim_app *a);
void sim_app_close(struct sim_app *a);
