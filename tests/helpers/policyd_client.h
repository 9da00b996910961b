/* The inside of weft-policyd-client: its data planes (policyd_client_plane.c) and who drives them
 * (policyd_client.c). One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/map.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_client.h"
#include "lib/net/grpc_stream.h"

enum mood {
    MOOD_GOOD,
    MOOD_REFUSING,  /* the next update */
    MOOD_SILENT,    /* answers nothing any more */
    MOOD_FORGETFUL, /* loses a resource with the next update */
};

struct data_plane {
    struct fleet *fleet;
    struct grpc_client *client;
    struct grpc_stream *stream;
    char *pod, *pod_ip, *gateway;
    char **addresses;
    size_t address_count;
    struct map has; /* name -> mem_alloc'ed uint64_t version */
    uint64_t digest;
    enum mood mood;
    bool marked;
};

struct fleet {
    struct loop *loop;
    struct timer poll;
    struct tls_ctx *tls;
    struct addr to;
    char *expect;
    const char *trust_domain;
    struct data_plane *planes;
    size_t count;
    char **addresses;
    size_t address_count;
    bool is_quiet; /* only "all" is printed, and what goes wrong */
    uint64_t mark_ns;
    double *times;
    size_t time_count;
    char line[65536];
    size_t line_len;
};

/* Connects (again), with what it has. */
void policyd_client_connect(struct data_plane *d);
/* Says hello on the stream that is there. */
void policyd_client_hello(struct data_plane *d);
/* One of the two may be NULL. */
void policyd_client_ask(struct data_plane *d, char *add, char *drop);
void policyd_client_forget(struct data_plane *d);
/* An update was taken. */
void policyd_client_note(struct fleet *f, struct data_plane *d);
