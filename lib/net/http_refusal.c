/* Refusals as HTTP/1.1 answers; see http_refusal.h. Knows
 * neither connection nor request.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_refusal.h"

#include <stdio.h>
#include <string.h>

#include "lib/codec/message.h"

void http_refusal_write(struct buf *out, const struct h1_bad_text *why, const char *request_id)
{
    size_t room;
    char *at = (char *)buf_reserve(out, 1024, &room);
    int len = snprintf(at, room,
                       "HTTP/1.1 %u %s\r\n"
                       "x-weft-reason: %s\r\n"
                       "%s%s%s"
                       "content-type: text/plain\r\n"
                       "content-length: %zu\r\n"
                       "connection: close\r\n"
                       "\r\n"
                       "%s\n",
                       why->status, message_reason(why->status), why->reason,
                       *request_id ? "x-request-id: " : "", request_id, *request_id ? "\r\n" : "",
                       strlen(why->sentence) + 1, why->sentence);
    buf_commit(out, (size_t)len);
}
