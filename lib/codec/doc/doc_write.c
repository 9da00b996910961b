/* Writing documents. JSON leaves escaping to json_write; in YAML whatever could be read as anything
 * but a string is quoted, as JSON does it. Pure; any thread. Must not know what a document is
 * about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc_write.h"

static void put(struct buf *to, const char *text)
{
    buf_append(to, text, strlen(text));
}

static void put_indent(struct buf *to, unsigned levels)
{
    for (unsigned i = 0; i < levels; i++)
        put(to, "  ");
}

static bool is_nested(const struct doc *d)
{
    return (d->type == DOC_ARRAY || d->type == DOC_OBJECT) && d->count > 0;
}

/* ---- JSON ---- */

static void write_key(struct json_write *w, struct slice key)
{
    json_write_string(w, key);
    put(w->out, ":");
    w->need_comma = false;
}

void doc_write_json(struct json_write *w, const struct doc *d)
{
    switch (d->type) {
    case DOC_NULL:
        json_write_null(w);
        return;
    case DOC_BOOL:
        json_write_bool(w, d->boolean);
        return;
    case DOC_INT:
        json_write_i64(w, d->integer);
        return;
    case DOC_FLOAT:
        json_write_f64(w, d->number);
        return;
    case DOC_STRING:
        json_write_string(w, d->string);
        return;
    case DOC_ARRAY:
        json_write_array(w);
        for (size_t i = 0; i < d->count; i++)
            doc_write_json(w, d->items[i]);
        json_write_array_end(w);
        return;
    case DOC_OBJECT:
        json_write_object(w);
        for (size_t i = 0; i < d->count; i++) {
            write_key(w, d->members[i].key);
            doc_write_json(w, d->members[i].value);
        }
        json_write_object_end(w);
    }
}

static void put_compact(struct buf *to, const struct doc *d)
{
    struct json_write w;
    json_write_init(&w, to);
    doc_write_json(&w, d);
}

static void put_string(struct buf *to, struct slice text)
{
    struct json_write w;
    json_write_init(&w, to);
    json_write_string(&w, text);
}

static void put_pretty(struct buf *to, const struct doc *d, unsigned level)
{
    bool is_object = d->type == DOC_OBJECT;
    if (!is_nested(d)) {
        put_compact(to, d);
        return;
    }
    put(to, is_object ? "{" : "[");
    for (size_t i = 0; i < d->count; i++) {
        put(to, i ? ",\n" : "\n");
        put_indent(to, level + 1);
        if (is_object) {
            put_string(to, d->members[i].key);
            put(to, ": ");
        }
        put_pretty(to, is_object ? d->members[i].value : d->items[i], level + 1);
    }
    put(to, "\n");
    put_indent(to, level);
    put(to, is_object ? "}" : "]");
}

void doc_write_pretty(struct buf *to, const struct doc *d)
{
    put_pretty(to, d, 0);
    put(to, "\n");
}

/* ---- YAML ---- */

static bool is_letter(char c)
{
    return ((unsigned char)(c | 0x20) >= 'a' && (unsigned char)(c | 0x20) <= 'z');
}

static bool is_plain_byte(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || (c && strchr("_./-@=+", c));
}

/* Some reader takes these for something else than a string. */
static bool is_word(struct slice text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_eq_nocase(text, slice_from_cstr(words[i])))
            return true;
    }
    return false;
}

static bool is_plain(struct slice text)
{
    if (text.len == 0 || (!is_letter(text.ptr[0]) && text.ptr[0] != '/') || is_word(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        /* A colon or a blank only between plain bytes: "a: b" and "a #b" mean something. */
        bool is_inner = i + 1 < text.len && is_plain_byte(text.ptr[i + 1]);
        if (!is_plain_byte(c) && !((c == ':' || c == ' ' || c == ',') && is_inner))
            return false;
    }
    return true;
}

/* Several lines that can stand as they are. */
static bool is_block(struct slice text)
{
    if (slice_find_byte(text, '\n') + 1 >= text.len || text.ptr[0] == ' ' || text.ptr[0] == '\n')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\n') || c > 0x7e)
            return false;
    }
    return text.ptr[text.len - 1] != '\n' || text.ptr[text.len - 2] != '\n';
}

static void put_block(struct buf *to, struct slice text, unsigned level)
{
    struct slice rest = text, line;
    bool is_ended = text.ptr[text.len - 1] == '\n';
    put(to, is_ended ? "|" : "|-");
    if (is_ended)
        rest.len--;
    while (slice_split(&rest, '\n', &line)) {
        put(to, "\n");
        if (line.len)
            put_indent(to, level);
        buf_append_slice(to, line);
    }
}

static void put_text(struct buf *to, struct slice text, unsigned level)
{
    if (is_plain(text))
        buf_append_slice(to, text);
    else if (level && is_block(text))
        put_block(to, text, level);
    else
        put_string(to, text);
}

/* `level`: of what is inside. The cursor stands behind a key, a dash, or at the margin. */
static void put_yaml(struct buf *to, const struct doc *d, unsigned level, bool is_inline);

static void put_member(struct buf *to, const struct doc_member *m, unsigned level)
{
    if (is_plain(m->key))
        buf_append_slice(to, m->key);
    else
        put_string(to, m->key);
    put(to, ":");
    if (is_nested(m->value)) {
        put(to, "\n");
        put_yaml(to, m->value, m->value->type == DOC_ARRAY ? level : level + 1, false);
    } else {
        put(to, " ");
        put_yaml(to, m->value, level + 1, true);
    }
}

static void put_yaml(struct buf *to, const struct doc *d, unsigned level, bool is_inline)
{
    if (d->type == DOC_STRING) {
        put_text(to, d->string, level);
        return;
    }
    if (!is_nested(d)) {
        put_compact(to, d);
        return;
    }
    for (size_t i = 0; i < d->count; i++) {
        if (i)
            put(to, "\n");
        if (i || !is_inline)
            put_indent(to, level);
        if (d->type == DOC_OBJECT) {
            put_member(to, &d->members[i], level);
        } else {
            put(to, "- ");
            put_yaml(to, d->items[i], level + 1, true);
        }
    }
}

void doc_write_yaml(struct buf *to, const struct doc *d)
{
    put_yaml(to, d, 0, true);
    put(to, "\n");
}
