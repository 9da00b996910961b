/* What one sidecar tells the other in headers of their own. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

struct settings;

/* Room above a limit for what a sidecar adds to a head that was within it. */
enum { MESH_HEADERS_COUNT_MAX = 24, MESH_HEADERS_BYTES_MAX = 8192 };

/* To a head without them. version: what the app shall be spoken to in. */
void mesh_headers_add(struct headers *h, enum http_version version, const struct settings *s);
/* What an earlier attempt said. */
void mesh_headers_remove(struct headers *h);
