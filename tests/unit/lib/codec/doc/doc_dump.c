/* Writes documents in one line, for tests to compare.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/codec/doc/doc_dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct out {
    char *text;
    size_t size, len;
    bool with_lines;
};

static void put(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(o->text + o->len, o->size - o->len, format, args);
    va_end(args);
    o->len += (size_t)len < o->size - o->len ? (size_t)len : o->size - o->len - 1;
}

static void dump(struct out *o, const struct doc *d)
{
    if (o->with_lines)
        put(o, "%u:", d->line);
    switch (d->type) {
    case DOC_NULL:
        put(o, "null");
        break;
    case DOC_BOOL:
        put(o, d->boolean ? "true" : "false");
        break;
    case DOC_INT:
        put(o, "%" PRId64, d->integer);
        break;
    case DOC_FLOAT:
        put(o, "~%g", d->number);
        break;
    case DOC_STRING:
        put(o, "\"%.*s\"", SLICE_ARG(d->string));
        break;
    case DOC_ARRAY:
        put(o, "[");
        for (size_t i = 0; i < d->count; i++) {
            put(o, "%s", i ? "," : "");
            dump(o, d->items[i]);
        }
        put(o, "]");
        break;
    case DOC_OBJECT:
        put(o, "{");
        for (size_t i = 0; i < d->count; i++) {
            put(o, "%s%.*s=", i ? "," : "", SLICE_ARG(d->members[i].key));
            dump(o, d->members[i].value);
        }
        put(o, "}");
        break;
    }
}

void doc_dump(const struct doc *d, bool with_lines, char *text, size_t size)
{
    struct out o = {.text = text, .size = size, .with_lines = with_lines};
    text[0] = '\0';
    dump(&o, d);
}
