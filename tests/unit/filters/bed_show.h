/* What happened in the bed, as text. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/codec/http/message.h"

void bed_say(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bed_show_headers(struct buf *out, const struct headers *h);
/* Its text in quotes; what is no text by hexadecimal digits. It is empty then. */
void bed_show_body(struct buf *out, struct buf *body);
