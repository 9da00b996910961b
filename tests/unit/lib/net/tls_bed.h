/* Two recording users with TLS and a memory stream between them, on a simulated loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/memstream.h"
#include "lib/net/tls_stream.h"
#include "tests/unit/lib/io/probe.h"
#include "tests/unit/lib/tls/pki.h"

/* Two probes with TLS between them. */
struct tls_bed {
    struct loop *loop;
    struct stream *low_client, *low_server;
    struct probe client, server;
};

/* Contexts of a client of the mesh, and of one under another root. */
extern struct tls_ctx *tls_bed_client, *tls_bed_foreign;

/* Of a whole group of tests. */
int tls_bed_set_up(void **state);
int tls_bed_tear_down(void **state);

void tls_bed_open_lower(struct tls_bed *b, const struct memstream_options *options);
void tls_bed_add_client(struct tls_bed *b, struct tls_ctx *ctx, const char *expect);
void tls_bed_add_server(struct tls_bed *b, struct buf *early);
/* All of that, and the handshake. */
void tls_bed_open(struct tls_bed *b, const struct memstream_options *options);
void tls_bed_close(struct tls_bed *b);
void tls_bed_say(struct tls_bed *b, struct probe *from, const char *text);
/* A pattern of that many bytes. */
void tls_bed_write_bytes(struct probe *p, size_t size);
void tls_bed_check_bytes(const struct probe *p, size_t size);
