/* A list of what is wrong, kept in its own arena until somebody prints it. Control thread. Must
 * not know of kinds or files beyond their names.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/diag.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/json_write.h"

enum { KEPT_MAX = 1000 }; /* further ones are counted only */

void diag_list_init(struct diag_list *d)
{
    list_init(&d->items);
    arena_init(&d->arena, 4096);
    d->errors = d->warnings = d->notes = 0;
}

void diag_list_dispose(struct diag_list *d)
{
    arena_dispose(&d->arena);
    diag_list_init(d);
}

/* What a document holds may end up on a terminal. */
static struct slice copy_printable(struct arena *arena, struct slice from)
{
    char *to = arena_alloc(arena, from.len);
    for (size_t i = 0; i < from.len; i++)
        to[i] = (unsigned char)from.ptr[i] < 0x20 || from.ptr[i] == 0x7f ? '?' : from.ptr[i];
    return slice_of(to, from.len);
}

static struct slice format_text(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static struct slice format_text(struct arena *arena, const char *format, va_list args)
{
    char text[1024];
    int len = vsnprintf(text, sizeof text, format, args);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    return copy_printable(arena, slice_of(text, kept));
}

void diag_add(struct diag_list *d, const struct diag *what, const char *format, ...)
{
    unsigned kept = d->errors + d->warnings + d->notes;
    if (what->is_note)
        d->notes++;
    else if (what->is_warning)
        d->warnings++;
    else
        d->errors++;
    if (kept >= KEPT_MAX)
        return;
    struct diag *item = arena_zalloc(&d->arena, sizeof *item);
    item->line = what->line;
    item->finding = what->finding;
    item->is_warning = what->is_warning;
    item->is_note = what->is_note;
    item->file = copy_printable(&d->arena, what->file);
    item->object = copy_printable(&d->arena, what->object);
    item->path = copy_printable(&d->arena, what->path);
    va_list args;
    va_start(args, format);
    item->text = format_text(&d->arena, format, args);
    va_end(args);
    list_init(&item->node);
    list_link_last(&d->items, &item->node);
}

struct slice diag_format(struct diag_list *d, const struct diag *what)
{
    char line[16] = "";
    if (what->line)
        snprintf(line, sizeof line, ":%u", what->line);
    return arena_printf(&d->arena, "%.*s%s: %s%.*s%s%.*s%s%.*s", SLICE_ARG(what->file), line,
                        what->is_note      ? "note: "
                        : what->is_warning ? "warning: "
                                           : "",
                        SLICE_ARG(what->object),
                        what->object.len ? ": " : "", SLICE_ARG(what->path),
                        what->path.len ? ": " : "", SLICE_ARG(what->text));
}

void diag_write_json(const struct diag_list *d, struct json_write *to)
{
    json_write_array(to);
    LIST_FOREACH(node, (struct list *)&d->items)
    {
        const struct diag *item = container_of(node, struct diag, node);
        json_write_object(to);
        json_write_key(to, "severity");
        json_write_string(to, item->is_note      ? SLICE("info")
                              : item->is_warning ? SLICE("warning")
                                                 : SLICE("error"));
        json_write_key(to, "file");
        json_write_string(to, item->file);
        json_write_key(to, "line");
        json_write_i64(to, item->line);
        json_write_key(to, "object");
        json_write_string(to, item->object);
        json_write_key(to, "path");
        json_write_string(to, item->path);
        json_write_key(to, "text");
        json_write_string(to, item->text);
        json_write_object_end(to);
    }
    json_write_array_end(to);
}
