/* A machine of two states: within a line, or within the bytes of a bulk string. What a line or a
 * bulk string is put into is the next free place of the innermost list that is not full. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/resp/resp_read.h"

#include <string.h>

enum { ARENA_BLOCK = 1024, MINUS_ONE = -1 };

void resp_reader_init(struct resp_reader *r, size_t bytes_max)
{
    memset(r, 0, sizeof(*r));
    arena_init(&r->arena, ARENA_BLOCK);
    r->bytes_max = bytes_max;
    r->is_fresh = true;
}

void resp_reader_dispose(struct resp_reader *r)
{
    arena_dispose(&r->arena);
}

static void begin(struct resp_reader *r)
{
    arena_reset(&r->arena);
    r->root = (struct resp_value){0};
    r->stack[0] = (struct resp_frame){.items = &r->root, .count = 1};
    r->depth = 0;
    r->items_left = RESP_ITEMS_MAX;
    r->bytes_left = r->bytes_max;
    r->is_fresh = false;
}

/* ---- places ---- */

static struct resp_value *place(struct resp_reader *r)
{
    struct resp_frame *f = &r->stack[r->depth];
    return &f->items[f->at];
}

/* The value at this place is complete. True: so is the whole. */
static bool advance(struct resp_reader *r)
{
    r->stack[r->depth].at++;
    while (r->depth > 0 && r->stack[r->depth].at == r->stack[r->depth].count) {
        bool was_attribute = r->stack[r->depth].is_attribute;
        r->depth--;
        if (!was_attribute) /* what it is about takes its place */
            r->stack[r->depth].at++;
    }
    return r->stack[0].at == 1;
}

static enum err done_if(bool is_whole)
{
    return is_whole ? ERR_OK : ERR_AGAIN;
}

static enum err put_text(struct resp_reader *r, enum resp_type type, struct slice text)
{
    if (text.len > r->bytes_left)
        return ERR_LIMIT;
    r->bytes_left -= text.len;
    *place(r) = (struct resp_value){.type = type, .text = arena_copy(&r->arena, text)};
    return done_if(advance(r));
}

static enum err put_null(struct resp_reader *r)
{
    *place(r) = (struct resp_value){.type = RESP_NULL};
    return done_if(advance(r));
}

static enum err put_integer(struct resp_reader *r, enum resp_type type, int64_t n)
{
    *place(r) = (struct resp_value){.type = type, .integer = n};
    return done_if(advance(r));
}

/* ---- lines ---- */

/* Optional sign, digits, nothing else. */
static enum err read_integer(struct slice text, int64_t *out)
{
    uint64_t size;
    bool is_signed = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
    bool is_negative = is_signed && text.ptr[0] == '-';
    enum err e = slice_to_u64(slice_sub(text, is_signed, text.len), &size);
    if (e || size > (uint64_t)INT64_MAX + is_negative)
        return e ? ERR_SYNTAX : ERR_LIMIT;
    *out = (int64_t)(is_negative ? ~size + 1 : size);
    return ERR_OK;
}

/* Of a list or a bulk string: -1 is RESP2's null. */
static enum err read_length(struct slice text, int64_t *out)
{
    enum err e = read_integer(text, out);
    return !e && (*out < MINUS_ONE || !text.len || text.ptr[0] == '+') ? ERR_SYNTAX : e;
}

static enum err begin_bulk(struct resp_reader *r, char kind, struct slice text)
{
    int64_t len;
    enum err e = read_length(text, &len);
    if (e)
        return e;
    if (len == MINUS_ONE)
        return kind == '$' ? put_null(r) : ERR_SYNTAX;
    if ((uint64_t)len > r->bytes_left)
        return ERR_LIMIT;
    r->bytes_left -= (size_t)len;
    r->bulk = arena_alloc(&r->arena, (size_t)len + 2);
    r->bulk_len = (size_t)len;
    r->bulk_at = 0;
    r->bulk_kind = kind;
    return ERR_AGAIN;
}

static enum resp_type type_of_list(char kind)
{
    return kind == '%' || kind == '|' ? RESP_MAP : kind == '>' ? RESP_PUSH : RESP_LIST;
}

static enum err begin_list(struct resp_reader *r, char kind, struct slice text)
{
    int64_t n;
    enum err e = read_length(text, &n);
    if (e)
        return e;
    if (n == MINUS_ONE)
        return kind == '*' ? put_null(r) : ERR_SYNTAX;
    if (n > RESP_ITEMS_MAX)
        return ERR_LIMIT;
    uint32_t count = (uint32_t)n * (type_of_list(kind) == RESP_MAP ? 2 : 1);
    if (count > r->items_left || r->depth == RESP_DEPTH_MAX)
        return ERR_LIMIT;
    r->items_left -= count;
    struct resp_value *items = arena_zalloc(&r->arena, count * sizeof(*items));
    if (kind != '|')
        *place(r) =
            (struct resp_value){.type = type_of_list(kind), .count = count, .items = items};
    if (!count)
        return kind == '|' ? ERR_AGAIN : done_if(advance(r));
    r->stack[++r->depth] =
        (struct resp_frame){.items = items, .count = count, .is_attribute = kind == '|'};
    return ERR_AGAIN;
}

static enum err take_bool(struct resp_reader *r, struct slice text)
{
    if (text.len != 1 || (text.ptr[0] != 't' && text.ptr[0] != 'f'))
        return ERR_SYNTAX;
    return put_integer(r, RESP_BOOL, text.ptr[0] == 't');
}

static enum err take_integer(struct resp_reader *r, struct slice text)
{
    int64_t n;
    enum err e = read_integer(text, &n);
    return e ? e : put_integer(r, RESP_INTEGER, n);
}

static enum err take_line(struct resp_reader *r, struct slice line)
{
    if (!line.len)
        return ERR_SYNTAX;
    struct slice text = slice_sub(line, 1, line.len);
    switch (line.ptr[0]) {
    case '+':
        return put_text(r, RESP_TEXT, text);
    case '-':
        return put_text(r, RESP_ERROR, text);
    case ':':
        return take_integer(r, text);
    case '$':
    case '!':
    case '=':
        return begin_bulk(r, line.ptr[0], text);
    case '*':
    case '~':
    case '%':
    case '>':
    case '|':
        return begin_list(r, line.ptr[0], text);
    case '_':
        return text.len ? ERR_SYNTAX : put_null(r);
    case '#':
        return take_bool(r, text);
    case ',':
        return text.len ? put_text(r, RESP_DOUBLE, text) : ERR_SYNTAX;
    case '(':
        return text.len ? put_text(r, RESP_TEXT, text) : ERR_SYNTAX;
    default:
        return ERR_SYNTAX;
    }
}

/* A line ends with CR LF, and has neither before. */
static enum err feed_line(struct resp_reader *r, struct slice *bytes)
{
    while (bytes->len) {
        char c = *bytes->ptr;
        bool after_cr = r->line_len && r->line[r->line_len - 1] == '\r';
        *bytes = slice_sub(*bytes, 1, bytes->len);
        if (after_cr != (c == '\n'))
            return ERR_SYNTAX;
        if (c == '\n') {
            struct slice line = slice_of(r->line, r->line_len - 1);
            r->line_len = 0;
            return take_line(r, line);
        }
        if (r->line_len > RESP_LINE_MAX)
            return ERR_LIMIT;
        r->line[r->line_len++] = c;
    }
    return ERR_AGAIN;
}

/* ---- bulk strings ---- */

/* "txt:…": how the text of a verbatim string is to be shown is nothing to us. */
static struct slice verbatim(struct slice text)
{
    enum { FORMAT = 4 };
    return text.len >= FORMAT && text.ptr[FORMAT - 1] == ':' ? slice_sub(text, FORMAT, text.len)
                                                             : text;
}

static enum err end_bulk(struct resp_reader *r)
{
    struct slice text = slice_of(r->bulk, r->bulk_len);
    if (memcmp(r->bulk + r->bulk_len, "\r\n", 2) != 0)
        return ERR_SYNTAX;
    r->bulk = NULL;
    *place(r) = (struct resp_value){
        .type = r->bulk_kind == '!' ? RESP_ERROR : RESP_TEXT,
        .text = r->bulk_kind == '=' ? verbatim(text) : text,
    };
    return done_if(advance(r));
}

static enum err feed_bulk(struct resp_reader *r, struct slice *bytes)
{
    size_t want = r->bulk_len + 2 - r->bulk_at, n = want < bytes->len ? want : bytes->len;
    memcpy(r->bulk + r->bulk_at, bytes->ptr, n);
    r->bulk_at += n;
    *bytes = slice_sub(*bytes, n, bytes->len);
    return n == want ? end_bulk(r) : ERR_AGAIN;
}

enum err resp_reader_feed(struct resp_reader *r, struct slice *bytes)
{
    if (r->broken)
        return r->broken;
    while (bytes->len) {
        if (r->is_fresh)
            begin(r);
        enum err e = r->bulk ? feed_bulk(r, bytes) : feed_line(r, bytes);
        if (e == ERR_AGAIN)
            continue;
        r->is_fresh = e == ERR_OK;
        r->broken = e;
        return e;
    }
    return ERR_AGAIN;
}
