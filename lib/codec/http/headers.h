/* What the codecs need of header lists beyond message.h; for lib/codec and lib/net.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

/* As header_id_of, for a name in any case. `name` holds tchars only. */
enum header_id headers_id_of_token(struct slice name);
/* Room for `capacity` fields in one piece. */
void headers_reserve(struct headers *h, uint32_t capacity);

/* "content_length" and "transfer_encoding": they frame the message for a reader that takes the
 * underscore for a hyphen, as CGI and WSGI do. Other names in disguise are the handler's business.
 */
bool headers_is_framing_in_disguise(struct slice name);
/* Whether a trailer field of that name would change the framing, routing, access or meaning of what
 * came before it (RFC 9110 §6.5.1). */
bool headers_is_forbidden_trailer(enum header_id id);
/* Of these the ones that frame a message or belong to a connection. */
bool headers_is_framing(enum header_id id);
