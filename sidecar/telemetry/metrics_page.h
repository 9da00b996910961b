/* The page of metrics while somebody reads it: a copy of the numbers, shown piece by piece as the
 * reader takes them, and what the app says behind it. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"

struct admin_request;
struct metrics_page;
struct metrics_shard;

/* Pages at a time, each of which holds a copy of all numbers; who asks for one more is refused. */
#define METRICS_PAGES_MAX 4u

/* `open` counts the pages that there are; it must outlive the page. NULL: there are too many. */
struct metrics_page *metrics_page_open(unsigned *open, struct admin_request *request);
/* Takes the numbers. */
void metrics_page_take(struct metrics_page *p, struct metrics_shard *sum);
/* Answers with the numbers and `text` behind them, which is emptied; may be NULL. */
void metrics_page_reply(struct metrics_page *p, struct buf *text);
