/* gzip (RFC 1952), for files that are written piece by piece. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"

struct gzip;

struct gzip *gzip_create(void);
void gzip_destroy(struct gzip *g);
/* Appends to out what is complete so far. */
void gzip_write(struct gzip *g, struct slice bytes, struct buf *out);
/* The end; nothing may be written after it. */
void gzip_finish(struct gzip *g, struct buf *out);
