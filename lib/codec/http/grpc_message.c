/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/grpc_message.h"

struct slice grpc_message_escape(struct arena *arena, struct slice text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *escaped = arena_alloc(arena, text.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '%') {
            escaped[len++] = (char)byte;
            continue;
        }
        escaped[len++] = '%';
        escaped[len++] = hex[byte >> 4];
        escaped[len++] = hex[byte & 15];
    }
    return slice_of(escaped, len);
}
