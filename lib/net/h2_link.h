/* What both ends of an HTTP/2 connection share: the codec tied to a transport, its output gathered
 * and written once at the end of a turn, and the operations of struct http_stream. Embedded in the
 * server's or client's struct, on its worker; must not know requests. For http_*_h2.c only.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/h2/h2.h"
#include "lib/io/loop.h"
#include "lib/io/stream.h"
#include "lib/net/http_stream_priv.h"

/* Bits of http_stream.state. */
enum { H2_LINK_ANSWERED = 1 /* a head came in */ };

struct h2_link {
    struct h2 *h2;
    struct stream *transport;
    struct loop *loop;
    const bool *over; /* the connection was finished: nothing may be touched any more */
    unsigned *active; /* live http_streams */
    struct loop_task flush;
    struct buf early;  /* read by somebody else before us; fed first */
    bool reading;      /* false while the peer does not take what we have for it */
    bool broken;       /* the codec gave up: nothing more is fed */
    uint64_t heard_ms; /* when bytes last came in */
    /* After every flush; may finish the connection. */
    void (*after_flush)(struct h2_link *l);
};

extern const struct http_stream_ops h2_link_stream_ops;

/* `l` is zeroed. The codec's owner is the link. */
void h2_link_init(struct h2_link *l, struct stream *transport, const struct h2_config *config,
                  const struct h2_events *events);
void h2_link_dispose(struct h2_link *l);
/* Something is to be sent, or may be over. */
void h2_link_wake(struct h2_link *l);
/* The transport's on_data and on_drain. */
void h2_link_feed(struct h2_link *l, struct chunk *owner, const uint8_t *data, size_t len);
void h2_link_drained(struct h2_link *l);

/* Parts of struct h2_events that are the same at both ends. */
void h2_link_attach(struct h2_link *l, struct http_stream *st, struct list *streams);
void h2_link_on_head(struct h2_stream *hs, struct message *head, bool end);
void h2_link_on_data(struct h2_stream *hs, struct chunk *owner, const uint8_t *data, size_t len);
void h2_link_on_end(struct h2_stream *hs, const struct headers *trailers);
void h2_link_on_taken(struct h2_stream *hs);
