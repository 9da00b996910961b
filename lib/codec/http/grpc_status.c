/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/grpc_status.h"

#include <stdbool.h>

enum grpc_status grpc_status_from_http(unsigned http_status)
{
    switch (http_status) {
    case 400:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
        return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GRPC_UNAVAILABLE;
    default:
        return GRPC_UNKNOWN;
    }
}

struct slice grpc_text_encode(struct arena *a, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, 3 * text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        bool edge = (i == 0 || i + 1 == text.len) && c == ' ';
        if (c >= 0x20 && c <= 0x7e && c != '%' && !edge) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    return slice_of(out, n);
}
