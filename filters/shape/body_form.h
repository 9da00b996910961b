/* What the body of a message is, by its head, and what of the head is no longer true when the body
 * was changed. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

enum body_form { BODY_OTHER, BODY_JSON, BODY_URLENCODED, BODY_XML };

/* BODY_OTHER as well where it is compressed, or where the head says two things. */
enum body_form body_form_of(const struct message *m);
/* Of a response to that request: it has all of its content (not 204, 206, 304, and not to HEAD). */
bool body_form_is_complete(const struct message *request, const struct message *response);
/* Digests of what was (RFC 9530, Content-MD5) go; a strong ETag becomes a weak one (RFC 9110
 * §8.8.1), for the bytes are others while the meaning is the backend's. */
void body_form_changed(struct message *m);
