/* A filter over one exchange in memory: what a data plane would do with it, by the data plane's own
 * runner (filters/chain.h). What happened is written down as text. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/chain.h"
#include "filters/prepare.h"

/* How the road is made harder, without anything coming out differently. */
struct filter_bed_mode {
    bool waits_first;     /* every hook answers WAIT before it does anything */
    size_t piece;         /* bodies come in pieces of so many bytes; 0: whole */
    unsigned leave_after; /* the client leaves after so many calls of hooks; 0: it stays */
};

struct filter_bed_case {
    const struct filter *filter;
    struct slice spec;     /* JSON */
    struct slice request;  /* "POST /x", headers, an empty line, the body */
    struct slice response; /* of the backend, likewise: "200", …; empty: 200 without anything */
    struct slice trailers; /* of the backend: "name:value,name:value" */
    uint64_t random;       /* what chance says */
    struct slice secrets[4]; /* what the references of the specification lead to */
    size_t secret_count;
    int64_t unix_ms;       /* the wall clock; 0: noon of 2026-01-01 UTC */
    bool is_tls;
    struct slice scheme;         /* that the request says; "-": none; empty: the connection's */
    struct slice matched_prefix; /* by the route */
    uint16_t listener_port;
    struct slice certificate; /* names of the client's, each with a NUL behind it; empty: none */
    struct slice identity; /* SPIFFE id that the peer has shown; empty: none */
    struct slice client;   /* whom it is from; empty: the peer; "unknown" */
    struct slice route;    /* its name */
    /* Who was authenticated before, "shop/ann": a Consumer, or by these alone. claims: JSON. */
    struct slice consumer, credential, claims;
    struct slice groups; /* of the consumer, with commas between them */
    unsigned before; /* the same request has come so many times already */
    bool is_early; /* the response is one of our own, given before the chain had its turn */
};

struct filter_bed_counts {
    unsigned calls;  /* of hooks */
    unsigned begun, ended; /* exchanges that the filter has seen, and has been told the end of */
};

/* Appends what came of it. */
void filter_bed_run(const struct filter_bed_case *c, const struct filter_bed_mode *mode,
                    struct buf *out, struct filter_bed_counts *counts);
