/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/bed_show.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"

void bed_say(struct buf *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char line[1024];
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_append(out, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

void bed_show_headers(struct buf *out, const struct headers *h)
{
    for (uint32_t i = 0; i < h->count; i++)
        bed_say(out, "  %.*s: %.*s\n", SLICE_ARG(h->items[i].name), SLICE_ARG(h->items[i].value));
}

static bool is_text(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t')
            return false;
    }
    return true;
}

void bed_show_body(struct buf *out, struct buf *body)
{
    size_t len;
    char *bytes = buf_take_text(body, &len);
    if (len && is_text(bytes, len)) {
        bed_say(out, "  \"%.*s\"\n", (int)len, bytes);
    } else if (len) {
        bed_say(out, "  <");
        for (size_t i = 0; i < len; i++)
            bed_say(out, "%02x", (unsigned char)bytes[i]);
        bed_say(out, ">\n");
    }
    mem_free(bytes);
}
