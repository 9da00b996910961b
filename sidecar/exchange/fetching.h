/* Fetches of filters (filters/fetch.h): upstream/call.h with nobody behind it who waits. Worker
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/fetch.h"

struct message;
struct worker;

/* False: one is under way already, on whatever worker. */
bool fetching_begin(struct worker *w, struct filter_fetch *what);
/* The same, to that cluster and with that head, which is copied. */
bool fetching_begin_with(struct worker *w, struct filter_fetch *what, struct slice cluster,
                         const struct message *head);
/* Cuts off all that a worker has. */
void fetching_close_all(struct worker *w);
