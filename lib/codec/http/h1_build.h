/* From a judged head to a message of its own. For the two ends of an HTTP/1 connection.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/h1_head.h"

/* Only after a check that found nothing bad. The message and all of its parts are copied into the
 * arena; its header list has room for a few more fields. `scheme` as in the check. */
struct message *h1_build_message(const struct h1_head *h, struct arena *arena, struct slice scheme);
struct headers *h1_build_trailers(const struct h1_head *h, struct arena *arena);
