/* Parameters: texts of paths, queries, headers and cookies as values, by their style (OpenAPI,
 * "Style Values"), and their checks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "filters/openapi/openapi_document.h"
#include "lib/base/percent.h"
#include "lib/base/utf8.h"

/* ---- plain values ---- */

enum { CONTAINERS = 1u << JSON_VALUE_ARRAY | 1u << JSON_VALUE_OBJECT };

static struct json_value *string_value(struct arena *a, struct slice text)
{
    struct json_value *v = json_value_make(a, JSON_VALUE_STRING);
    v->string = text;
    return v;
}

static bool conforms(struct arena *a, const struct json_schema *s, enum json_schema_side side,
                     const struct json_value *v)
{
    struct json_schema_run run = {.arena = a, .side = side, .quiet = 1};
    return json_schema_check(&run, s, v);
}

/* "12" may be a number and a string: it is the number where that conforms. */
const struct json_value *openapi_plain_value(struct arena *a, const struct json_schema *s,
                                             enum json_schema_side side, struct slice text)
{
    unsigned types = s ? json_schema_types(s) : 1u << JSON_VALUE_STRING;
    const struct json_value *v = NULL;
    struct doc_error error;
    bool is_word =
        slice_eq_cstr(text, "true") || slice_eq_cstr(text, "false") || slice_eq_cstr(text, "null");
    bool is_number = text.len && (text.ptr[0] == '-' || (text.ptr[0] >= '0' && text.ptr[0] <= '9'));
    if ((is_word || is_number) && json_value_parse(text, a, &v, &error))
        v = NULL;
    if (!v || !(types & 1u << v->type))
        return string_value(a, text);
    bool may_be_text = types & 1u << JSON_VALUE_STRING;
    return may_be_text && !conforms(a, s, side, v) ? string_value(a, text) : v;
}

/* ---- decoding ---- */

/* plus: a '+' is a space. Empty ptr: not UTF-8. */
static struct slice decode(struct arena *a, struct slice text, bool plus)
{
    bool is_plain = slice_find_byte(text, '%') == text.len;
    if (is_plain && (!plus || slice_find_byte(text, '+') == text.len))
        return utf8_is_valid(text) ? text : (struct slice){0};
    char *to = arena_alloc(a, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        to[i] = plus && text.ptr[i] == '+' ? ' ' : text.ptr[i];
    struct slice out = percent_decode(slice_of(to, text.len), to);
    return utf8_is_valid(out) ? out : (struct slice){0};
}

/* What is made of one parameter. */
struct reading {
    const struct openapi_input *in;
    const struct openapi_parameter *p;
    struct json_value *value; /* array or object; NULL: none so far */
    struct json_value *last;
    bool is_broken;
};

static struct slice text_of(struct reading *r, struct slice raw)
{
    bool is_url = r->p->in != OPENAPI_HEADER;
    struct slice text = is_url ? decode(r->in->arena, raw, r->p->in == OPENAPI_QUERY) : raw;
    if (!text.ptr || !utf8_is_valid(text)) {
        r->is_broken = true;
        return SLICE("");
    }
    return text;
}

/* Another item (key empty), or a member. */
static void add(struct reading *r, bool is_member, struct slice key, struct slice raw)
{
    const struct json_schema *s =
        r->p->schema ? json_schema_child(r->p->schema, is_member ? key : SLICE("")) : NULL;
    struct slice text = text_of(r, raw);
    const struct json_value *made = openapi_plain_value(r->in->arena, s, r->in->side, text);
    struct json_value *child = arena_alloc(r->in->arena, sizeof(*child));
    *child = *made;
    child->key = key;
    if (!r->value)
        r->value = json_value_make(r->in->arena, is_member ? JSON_VALUE_OBJECT : JSON_VALUE_ARRAY);
    json_value_push(r->value, &r->last, child);
}

static struct slice trim_if_header(const struct reading *r, struct slice part)
{
    return r->p->in == OPENAPI_HEADER ? slice_trim(part) : part;
}

/* "1,2,3". */
static void add_items(struct reading *r, struct slice text, char separator)
{
    struct slice part;
    if (!r->value)
        r->value = json_value_make(r->in->arena, JSON_VALUE_ARRAY);
    while (text.len && slice_split(&text, separator, &part))
        add(r, false, SLICE(""), trim_if_header(r, part));
}

/* "a,1,b,2", or with `equals` "a=1,b=2". */
static void add_members(struct reading *r, struct slice text, char separator, bool equals)
{
    struct slice part, value;
    if (!r->value)
        r->value = json_value_make(r->in->arena, JSON_VALUE_OBJECT);
    while (text.len && slice_split(&text, separator, &part)) {
        part = trim_if_header(r, part);
        size_t mark = slice_find_byte(part, '=');
        if (equals) {
            add(r, true, text_of(r, slice_sub(part, 0, mark)), slice_sub(part, mark + 1, part.len));
            continue;
        }
        if (!slice_split(&text, separator, &value))
            value = SLICE("");
        add(r, true, text_of(r, part), trim_if_header(r, value));
    }
}

/* ---- one text, by style ---- */

static unsigned shape_of(const struct openapi_parameter *p)
{
    unsigned types = p->schema ? json_schema_types(p->schema) : 1u << JSON_VALUE_STRING;
    unsigned both = types & CONTAINERS;
    bool is_plain = types & ~(unsigned)CONTAINERS & 0x3e;
    return is_plain ? 0 : both;
}

static char separator_of(const struct openapi_parameter *p)
{
    if (p->style == OPENAPI_LABEL && p->explode)
        return '.';
    if (p->style == OPENAPI_MATRIX && p->explode)
        return ';';
    return p->style == OPENAPI_PIPE ? '|' : p->style == OPENAPI_SPACE ? ' ' : ',';
}

/* ".5", ";id=5": what goes in front. */
static bool take_mark(const struct reading *r, struct slice *text)
{
    const struct openapi_parameter *p = r->p;
    bool is_object_in_parts = p->explode && shape_of(p) & 1u << JSON_VALUE_OBJECT;
    if (p->style == OPENAPI_LABEL) {
        bool has = text->len && text->ptr[0] == '.';
        *text = slice_sub(*text, 1, text->len);
        return has;
    }
    if (p->style != OPENAPI_MATRIX)
        return true;
    if (!text->len || text->ptr[0] != ';')
        return false;
    *text = slice_sub(*text, 1, text->len);
    if (is_object_in_parts)
        return true;
    bool has = slice_starts_with(*text, p->name) && text->len > p->name.len &&
               text->ptr[p->name.len] == '=';
    *text = slice_sub(*text, p->name.len + 1, text->len);
    return has;
}

static void add_matrix_items(struct reading *r, struct slice text)
{
    struct slice part;
    while (slice_split(&text, ';', &part)) {
        size_t mark = slice_find_byte(part, '=');
        add(r, false, SLICE(""), mark < part.len ? slice_sub(part, mark + 1, part.len) : part);
    }
}

/* Separators count where they are not encoded, but for those that URLs cannot have otherwise. */
static struct slice open_separators(struct reading *r, struct slice text)
{
    if (r->p->style != OPENAPI_PIPE && r->p->style != OPENAPI_SPACE)
        return text;
    return text_of(r, text);
}

static const struct json_value *value_of(struct reading *r, struct slice text)
{
    struct slice twice;
    unsigned shape = shape_of(r->p);
    if (!take_mark(r, &text))
        r->is_broken = true;
    text = open_separators(r, text);
    if (!shape)
        return openapi_plain_value(r->in->arena, r->p->schema, r->in->side, text_of(r, text));
    if (shape & 1u << JSON_VALUE_OBJECT)
        add_members(r, text, separator_of(r->p), r->p->explode && r->p->style != OPENAPI_FORM);
    else if (r->p->style == OPENAPI_MATRIX && r->p->explode)
        add_matrix_items(r, text);
    else
        add_items(r, text, separator_of(r->p));
    r->is_broken |= !json_value_close(r->in->arena, r->value, &twice);
    return r->value;
}

/* ---- queries ---- */

/* The next "name=value"; the name decoded. */
static bool next_pair(const struct openapi_input *in, struct slice *rest, struct slice *name,
                      struct slice *value)
{
    struct slice pair = {0};
    while (!pair.len)
        if (!slice_split(rest, '&', &pair))
            return false;
    size_t mark = slice_find_byte(pair, '=');
    *name = decode(in->arena, slice_sub(pair, 0, mark), true);
    *value = slice_sub(pair, mark + 1, pair.len);
    return true;
}

static struct slice query_of(const struct openapi_input *in)
{
    return in->query.len && in->query.ptr[0] == '?' ? slice_sub(in->query, 1, in->query.len)
                                                    : in->query;
}

static bool is_spread(const struct openapi_parameter *p)
{
    return p->style == OPENAPI_FORM && p->explode && !p->is_json &&
           shape_of(p) & 1u << JSON_VALUE_OBJECT;
}

/* A member of an object that stands in the query by itself; key: which. */
static bool is_part(const struct openapi_parameter *p, struct slice name, struct slice *key)
{
    *key = name;
    if (p->style != OPENAPI_DEEP)
        return is_spread(p) && json_schema_names(p->schema, name);
    if (!slice_starts_with(name, p->prefix) || !slice_ends_with(name, SLICE("]")))
        return false;
    *key = slice_sub(name, p->prefix.len, name.len - p->prefix.len - 1);
    return key->len > 0;
}

/* The value of a parameter of the query. NULL: it is not there. */
static const struct json_value *query_value(struct reading *r, struct slice *text)
{
    struct slice rest = query_of(r->in), name, value, key, twice;
    bool is_list = r->p->style == OPENAPI_FORM && r->p->explode && !r->p->is_json &&
                   shape_of(r->p) == 1u << JSON_VALUE_ARRAY;
    size_t count = 0;
    while (next_pair(r->in, &rest, &name, &value)) {
        bool is_it = slice_eq(name, r->p->name);
        if (is_part(r->p, name, &key))
            add(r, true, key, value);
        else if (is_it && is_list)
            add(r, false, SLICE(""), value);
        else if (is_it && !count++)
            *text = value;
    }
    if (count > 1)
        r->is_broken = true;
    if (r->value)
        r->is_broken |= !json_value_close(r->in->arena, r->value, &twice);
    return r->value;
}

bool openapi_query_is_known(const struct openapi_input *in,
                            const struct openapi_operation *operation)
{
    struct slice rest = query_of(in), name, value, key;
    while (next_pair(in, &rest, &name, &value)) {
        bool known = false;
        for (size_t i = 0; i < operation->parameter_count; i++) {
            const struct openapi_parameter *p = &operation->parameters[i];
            known |= p->in == OPENAPI_QUERY && (slice_eq(name, p->name) || is_part(p, name, &key));
        }
        if (known)
            continue;
        int len = name.len < 100 ? (int)name.len : 100;
        snprintf(in->why, OPENAPI_WHY_MAX, "there is no query parameter \"%.*s\"", len,
                 name.ptr ? name.ptr : "");
        return false;
    }
    return true;
}

/* ---- where texts are ---- */

static bool path_text(const struct openapi_input *in, struct slice name, struct slice *text)
{
    for (size_t i = 0; i < in->match->path->name_count; i++)
        if (slice_eq(in->match->path->names[i], name)) {
            *text = in->match->values[i];
            return true;
        }
    return false;
}

/* All fields of the name, as one (RFC 9110 §5.3). */
static bool header_text(const struct openapi_input *in, struct slice name, struct slice *text)
{
    bool found = false;
    for (uint32_t i = 0; i < in->headers->count; i++) {
        const struct header *h = &in->headers->items[i];
        if (!slice_eq(h->name, name))
            continue;
        *text = found ? arena_printf(in->arena, "%.*s,%.*s", SLICE_ARG(*text), SLICE_ARG(h->value))
                      : h->value;
        found = true;
    }
    return found;
}

static bool cookie_text(const struct openapi_input *in, struct slice name, struct slice *text)
{
    bool found = false;
    for (uint32_t i = 0; i < in->headers->count; i++) {
        struct slice rest = in->headers->items[i].value, pair;
        if (in->headers->items[i].id != HEADER_COOKIE)
            continue;
        while (!found && slice_split(&rest, ';', &pair)) {
            pair = slice_trim(pair);
            size_t mark = slice_find_byte(pair, '=');
            if (slice_eq(slice_sub(pair, 0, mark), name)) {
                *text = slice_sub(pair, mark + 1, pair.len);
                found = true;
            }
        }
    }
    return found;
}

static bool find_text(const struct openapi_input *in, const struct openapi_parameter *p,
                      struct slice *text)
{
    switch (p->in) {
    case OPENAPI_PATH:
        return path_text(in, p->name, text);
    case OPENAPI_HEADER:
        return header_text(in, p->name, text);
    case OPENAPI_COOKIE:
        return cookie_text(in, p->name, text);
    case OPENAPI_QUERY:
        break;
    }
    return false;
}

/* ---- checks ---- */

static const char *place_name(enum openapi_in in)
{
    static const char *const names[] = {"path parameter", "query parameter", "header", "cookie"};
    return names[in];
}

void openapi_explain(const struct json_schema_run *run, const char *what, struct slice name,
                     char *why)
{
    const struct json_schema_error *e = &run->errors[0];
    bool has_name = name.len > 0;
    int len = name.len < 100 ? (int)name.len : 100;
    struct slice at = run->error_count ? e->instance : SLICE("");
    struct slice text = run->error_count ? e->text : SLICE("does not conform");
    snprintf(why, OPENAPI_WHY_MAX, "%s%s%.*s%s%s%.*s: %.*s", what, has_name ? " \"" : "", len,
             name.ptr ? name.ptr : "", has_name ? "\"" : "", at.len ? " at " : "",
             at.len < 120 ? (int)at.len : 120, at.ptr ? at.ptr : "", SLICE_ARG(text));
}

static bool refuse(const struct openapi_input *in, const struct openapi_parameter *p,
                   const char *text)
{
    struct json_schema_run run = {.error_count = 1};
    run.errors[0].text = slice_from_cstr(text);
    openapi_explain(&run, place_name(p->in), p->name, in->why);
    return false;
}

static bool check_one(const struct openapi_input *in, const struct openapi_parameter *p)
{
    struct reading r = {.in = in, .p = p};
    struct slice text = {0};
    struct doc_error error;
    const struct json_value *v = NULL;
    if (p->in == OPENAPI_QUERY)
        v = query_value(&r, &text);
    else if (!find_text(in, p, &text))
        text = (struct slice){0};
    if (!v && !text.ptr)
        return r.is_broken ? refuse(in, p, "cannot be read")
                           : !p->required || refuse(in, p, "is required");
    if (!v && p->is_json && json_value_parse(text_of(&r, text), in->arena, &v, &error))
        return refuse(in, p, error.text);
    if (!v)
        v = value_of(&r, text);
    if (r.is_broken)
        return refuse(in, p, "is given twice, or not in its style, or is not UTF-8");
    struct json_schema_run run = {.arena = in->arena, .side = in->side};
    if (!p->schema || json_schema_check(&run, p->schema, v))
        return true;
    openapi_explain(&run, place_name(p->in), p->name, in->why);
    return false;
}

bool openapi_parameters_check(const struct openapi_input *in,
                              const struct openapi_parameter *parameters, size_t count,
                              unsigned which)
{
    for (size_t i = 0; i < count; i++)
        if (which >> parameters[i].in & 1 && !check_one(in, &parameters[i]))
            return false;
    return true;
}
