/* Questions to a cluster, all under way at the same time. Each is asked once: whoever asks again
 * gets the same answer, or NULL while it is not there. So code that needs many answers is written
 * as if it had them all, and is run again until it does (ask_wait).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"
#include "weftctl/api.h"

struct asks;

struct ask {
    bool is_done;
    bool ok;               /* 2xx; a handshake that was good */
    unsigned status;       /* HTTP; 0: no answer came */
    const struct doc *doc; /* JSON; lists: an array of all items; NULL: there is none */
    struct slice text;     /* the body, also of what is not 2xx */
    struct slice detail;   /* why not, for people */
    bool no_way;           /* ports: no connection came about, so nothing is known of them */
    int64_t not_after_ms;  /* handshakes: of the certificate that was shown; 0: unknown */
};

struct asks *asks_create(struct api *a);
/* Everything that was answered goes with it. */
void asks_destroy(struct asks *s);
/* For what is made of the answers. */
struct arena *asks_arena(struct asks *s);
/* True when something was asked, since asks_begin, that has no answer yet. */
void asks_begin(struct asks *s);
bool asks_is_waiting(const struct asks *s);
/* Returns when another answer is there. */
void asks_wait(struct asks *s);

/* ---- all return NULL until there is an answer; what they return lives as long as `s` ---- */

/* JSON. */
const struct ask *ask_json(struct asks *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A page of text, of a pod of ours by the API server's proxy, or a log. Within 5 s. */
const struct ask *ask_text(struct asks *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* All objects, page by page; without what nobody reads here (volumes, environments, ...). */
const struct ask *ask_list(struct asks *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Reviews, and what is only tried: the path says dryRun. */
const struct ask *ask_post(struct asks *s, struct slice path, struct slice json);

struct ask_port {
    struct slice namespace_name, pod;
    uint16_t port;
};
/* The TLS handshake of that port, through a port-forward, and whether roots vouch for what it
 * shows: for that SPIFFE ID, or where it is empty for the DNS name. The connection ends there. */
const struct ask *ask_handshake(struct asks *s, const struct ask_port *at, struct slice roots_pem,
                                struct slice spiffe_id, struct slice dns_name);
/* A page of a port that only the pod itself reaches. */
const struct ask *ask_inside(struct asks *s, const struct ask_port *at, const char *path);
