/* Refusals as HTTP/1.1 answers; see http_refusal.h. Knows
 * neither connection nor request.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_refusal.h"

#include <stdio.h>
#include <string.h>

#include "lib/codec/http/message.h"

void http_refusal_write(struct buf *out, const struct h1_bad_text *why, const char *request_id,
                        bool is_terse)
{
    size_t room;
    char *at = (char *)buf_reserve(out, 1024, &room), terse[64];
    const char *name = message_reason(why->status), *text = why->sentence;
    snprintf(terse, sizeof(terse), "%u %s", why->status, name);
    if (is_terse)
        text = terse;
    int len = snprintf(at, room,
                       "HTTP/1.1 %u %s\r\n"
                       "%s%s%s"
                       "%s%s%s"
                       "content-type: text/plain\r\n"
                       "content-length: %zu\r\n"
                       "connection: close\r\n"
                       "\r\n"
                       "%s\n",
                       why->status, name, is_terse ? "" : "x-weft-reason: ",
                       is_terse ? "" : why->reason, is_terse ? "" : "\r\n",
                       *request_id ? "x-request-id: " : "", request_id, *request_id ? "\r\n" : "",
                       strlen(text) + 1, text);
    buf_commit(out, (size_t)len);
}
