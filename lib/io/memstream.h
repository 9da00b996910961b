/* Two streams tied together in memory, for tests and loopback: what one writes the other reads, in
 * pieces of a size the test chooses, delivered at the end of the loop's turn or when
 * memstream_pump is called.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"

struct loop;

struct memstream_options {
    size_t piece;    /* at most this many bytes per on_data; 0: everything */
    size_t capacity; /* how much the "kernel" takes before a write is queued; 0: unlimited */
};

/* loop may be NULL: then nothing moves but by memstream_pump. */
void memstream_pair(struct loop *l, const struct memstream_options *options, struct stream **a,
                    struct stream **b);
/* Delivers what can be delivered in both directions; false when nothing moved. */
bool memstream_pump(struct stream *s);
/* Ends this direction as a TLS peer does that says no close_notify. */
void memstream_shut_bare(struct stream *s);
/* As if the network had cut it: both ends get on_fail(why). */
void memstream_cut(struct stream *s, enum err why);
