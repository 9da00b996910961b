/* What a worker gives back from time to time: pages of HTTP/2 connections without streams, and
 * blocks that a burst has left in its free lists. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct worker;

void worker_rest_begin(struct worker *w);
void worker_rest_end(struct worker *w);
