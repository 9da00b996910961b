/* What a thread gives back from time to time: pages of HTTP/2 connections without streams, and
 * blocks that a burst has left in its free lists. One for each thread that serves, on its loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/timer.h"

struct idle_memory {
    struct timer timer;
    unsigned times;
    bool returns;
};

/* returns: this thread also hands to the system what any thread gave to libc (mem_return); one of
 * the process, whose standing still for some milliseconds holds up nobody's request. */
void idle_memory_begin(struct idle_memory *m, struct loop *l, bool returns);
void idle_memory_end(struct idle_memory *m);
