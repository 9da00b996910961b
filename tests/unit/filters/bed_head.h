/* The heads of the bed's messages, from text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

/* Without its line break; *rest is behind it. */
struct slice bed_head_line(struct slice *rest);
/* "name: value", until an empty line. */
void bed_head_fields(struct slice *rest, struct message *to, bool *has_odd_names);
/* "name:value,name:value". */
void bed_head_trailers(struct slice text, struct headers *to);
/* What follows them: without the line break at the end of the case. */
struct slice bed_head_body(struct slice rest);
/* The message has that body from then on: what is sent of it, in the arena. */
struct slice bed_head_give(struct message *m, struct arena *arena, struct slice body, bool is_head);
