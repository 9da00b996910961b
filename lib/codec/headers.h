/* What the codecs need of header lists beyond message.h; for lib/codec and lib/net.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/message.h"

/* As header_id_of, for a name in any case. `name` holds tchars only. */
enum header_id headers_id_of_token(struct slice name);
/* Room for `capacity` fields in one piece. */
void headers_reserve(struct headers *h, uint32_t capacity);
