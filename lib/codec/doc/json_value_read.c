/* Values out of JSON text, by the events of json_scan, and out of documents that were YAML. The
 * scanner bounds the depth, so that those who walk a tree may recurse.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_value.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/utf8.h"
#include "lib/codec/doc/json_scan.h"
#include "lib/codec/doc/json_tree.h"

struct reading {
    struct arena *arena;
    struct json_value *open[JSON_SCAN_DEPTH_MAX], *last[JSON_SCAN_DEPTH_MAX];
    unsigned depth;
    struct json_value *root, *scalar; /* scalar: one that is not over */
    const char *from;                 /* where the key or the scalar began */
    const char *counted;              /* lines were counted up to here */
    struct slice key;                 /* of the member whose value comes next */
    unsigned line, count;
    struct doc_error *error;
    enum err err;
};

static bool refuse(struct reading *r, enum err err, const char *why, struct slice what)
{
    r->err = err;
    r->error->line = r->line;
    snprintf(r->error->text, sizeof r->error->text, "%s%.*s", why,
             (int)(what.len < 128 ? what.len : 128), what.ptr ? what.ptr : "");
    return false;
}

static void count_lines(struct reading *r, const char *to)
{
    while (r->counted < to) {
        const char *line = memchr(r->counted, '\n', (size_t)(to - r->counted));
        r->counted = line ? line + 1 : to;
        r->line += line != NULL;
    }
}

static bool place(struct reading *r, struct json_value *v)
{
    if (r->count++ >= JSON_VALUE_MAX)
        return refuse(r, ERR_LIMIT, "it has too many values", SLICE(""));
    v->line = r->line;
    if (!r->depth) {
        if (r->root)
            return refuse(r, ERR_SYNTAX, "something follows the value", SLICE(""));
        r->root = v;
        return true;
    }
    v->key = r->key;
    json_value_push(r->open[r->depth - 1], &r->last[r->depth - 1], v);
    return true;
}

static bool open_value(struct reading *r, bool is_object)
{
    struct json_value *v =
        json_value_make(r->arena, is_object ? JSON_VALUE_OBJECT : JSON_VALUE_ARRAY);
    if (!place(r, v))
        return false;
    r->open[r->depth] = v;
    r->last[r->depth++] = NULL;
    return true;
}

static bool close_value(struct reading *r)
{
    struct slice twice;
    r->depth--;
    if (json_value_close(r->arena, r->open[r->depth], &twice))
        return true;
    return refuse(r, ERR_SYNTAX, "a key is given twice: ", twice);
}

static struct slice trim(const char *from, const char *to)
{
    while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\n' || to[-1] == '\r'))
        to--;
    return slice_of(from, (size_t)(to - from));
}

static bool end_scalar(struct reading *r, const char *end)
{
    struct json_value *v = r->scalar;
    if (!v)
        return true;
    struct slice raw = trim(r->from, end);
    r->scalar = NULL;
    switch (raw.ptr[0]) {
    case '"':
        v->type = JSON_VALUE_STRING;
        return json_tree_unquote(r->arena, raw, &v->string);
    case 't':
    case 'f':
        v->type = JSON_VALUE_BOOL;
        v->boolean = raw.ptr[0] == 't';
        return true;
    case 'n':
        return true;
    default:
        v->type = JSON_VALUE_NUMBER;
        if (!json_number_read(r->arena, raw, &v->number))
            return refuse(r, ERR_LIMIT, "a number has too large an exponent", SLICE(""));
        return true;
    }
}

static bool take(struct reading *r, enum json_scan_event event, const struct json_scan *scan,
                 const char *at)
{
    count_lines(r, at);
    if (event != JSON_SCAN_MORE && !end_scalar(r, at - 1))
        return false;
    switch (event) {
    case JSON_SCAN_OPEN:
        return open_value(r, json_scan_in_object(scan));
    case JSON_SCAN_CLOSE:
        return close_value(r);
    case JSON_SCAN_KEY:
        r->from = at - 1;
        return true;
    case JSON_SCAN_COLON:
        json_tree_unquote(r->arena, trim(r->from, at - 1), &r->key);
        return true;
    case JSON_SCAN_SCALAR:
        r->from = at - 1;
        r->scalar = json_value_make(r->arena, JSON_VALUE_NULL);
        return place(r, r->scalar);
    case JSON_SCAN_BAD:
        return scan->depth >= JSON_SCAN_DEPTH_MAX
                   ? refuse(r, ERR_LIMIT, "it is nested too deeply", SLICE(""))
                   : refuse(r, ERR_SYNTAX, "it is not JSON", SLICE(""));
    default:
        return true;
    }
}

static bool read_all(struct reading *r, struct slice text)
{
    struct json_scan scan;
    const char *at = text.ptr, *end = text.ptr + text.len, *space = " ";
    json_scan_init(&scan);
    while (at < end) {
        enum json_scan_event event = json_scan_next(&scan, JSON_SCAN_DEPTH_MAX, &at, end);
        if (!take(r, event, &scan, at))
            return false;
    }
    if (!end_scalar(r, end))
        return false;
    if (json_scan_next(&scan, 0, &space, space + 1) != JSON_SCAN_MORE ||
        !json_scan_is_idle(&scan) || !r->root)
        return refuse(r, ERR_SYNTAX, "the text ends too early", SLICE(""));
    return true;
}

enum err json_value_parse(struct slice text, struct arena *a, const struct json_value **out,
                          struct doc_error *error)
{
    struct reading r = {.arena = a, .counted = text.ptr, .line = 1, .error = error};
    *out = NULL;
    *error = (struct doc_error){0};
    if (!text.len)
        refuse(&r, ERR_SYNTAX, "it is empty", SLICE(""));
    else if (!utf8_is_valid(text))
        refuse(&r, ERR_SYNTAX, "it is not UTF-8", SLICE(""));
    else if (read_all(&r, text))
        *out = r.root;
    return r.err;
}

/* ---- from documents ---- */

static enum err convert(struct reading *r, const struct doc *d, struct json_value **out);

static struct json_value *number_of(struct arena *a, int digits, double number)
{
    char text[40];
    struct json_value *v = json_value_make(a, JSON_VALUE_NUMBER);
    snprintf(text, sizeof text, "%.*g", digits, number);
    if (strtod(text, NULL) != number)
        return NULL;
    return json_number_read(a, arena_copy(a, slice_from_cstr(text)), &v->number) ? v : NULL;
}

static struct json_value *convert_scalar(struct arena *a, const struct doc *d)
{
    struct json_value *v = json_value_make(a, JSON_VALUE_NULL);
    switch (d->type) {
    case DOC_BOOL:
        v->type = JSON_VALUE_BOOL;
        v->boolean = d->boolean;
        return v;
    case DOC_STRING:
        v->type = JSON_VALUE_STRING;
        v->string = d->string;
        return v;
    case DOC_INT:
        v->type = JSON_VALUE_NUMBER;
        if (!json_number_read(a, arena_printf(a, "%lld", (long long)d->integer), &v->number))
            return NULL;
        return v;
    case DOC_FLOAT:
        v = number_of(a, 15, d->number);
        return v ? v : number_of(a, 17, d->number);
    default:
        return v;
    }
}

static enum err convert_children(struct reading *r, const struct doc *d, struct json_value *v)
{
    struct json_value *last = NULL, *child;
    struct slice twice;
    bool is_object = d->type == DOC_OBJECT;
    for (size_t i = 0; i < d->count; i++) {
        enum err err = convert(r, is_object ? d->members[i].value : d->items[i], &child);
        if (err)
            return err;
        child->key = is_object ? d->members[i].key : SLICE("");
        child->line = is_object ? d->members[i].line : child->line;
        json_value_push(v, &last, child);
    }
    return json_value_close(r->arena, v, &twice) ? ERR_OK : ERR_SYNTAX;
}

static enum err convert(struct reading *r, const struct doc *d, struct json_value **out)
{
    bool is_object = d->type == DOC_OBJECT;
    r->line = d->line;
    if (r->count++ >= JSON_VALUE_MAX) {
        refuse(r, ERR_LIMIT, "it has too many values", SLICE(""));
        return ERR_LIMIT;
    }
    if (!is_object && d->type != DOC_ARRAY) {
        *out = convert_scalar(r->arena, d);
        if (*out)
            (*out)->line = d->line;
        return *out ? ERR_OK : ERR_LIMIT;
    }
    *out = json_value_make(r->arena, is_object ? JSON_VALUE_OBJECT : JSON_VALUE_ARRAY);
    (*out)->line = d->line;
    return convert_children(r, d, *out);
}

enum err json_value_from_doc(const struct doc *d, struct arena *a, const struct json_value **out,
                             struct doc_error *error)
{
    struct reading r = {.arena = a, .error = error};
    struct json_value *v = NULL;
    *error = (struct doc_error){0};
    enum err err = convert(&r, d, &v);
    *out = err ? NULL : v;
    return err;
}
