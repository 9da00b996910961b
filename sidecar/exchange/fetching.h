/* Fetches of filters (filters/fetch.h): upstream/call.h with nobody behind it who waits. Worker
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/fetch.h"

struct worker;

/* False: one is under way already, on whatever worker. */
bool fetching_begin(struct worker *w, struct filter_fetch *what);
/* Cuts off all that a worker has. */
void fetching_close_all(struct worker *w);
