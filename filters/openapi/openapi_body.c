/* Bodies: which media type of an operation one is of, and whether it conforms.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "filters/openapi/openapi_document.h"
#include "lib/base/percent.h"
#include "lib/base/utf8.h"

/* ---- media types ---- */

static struct slice essence(struct slice type)
{
    return slice_trim(slice_sub(type, 0, slice_find_byte(type, ';')));
}

static bool is_json(struct slice type)
{
    type = essence(type);
    return slice_eq_nocase(type, SLICE("application/json")) ||
           (type.len > 5 && slice_eq_nocase(slice_sub(type, type.len - 5, 5), SLICE("+json")));
}

static bool is_form(struct slice type)
{
    return slice_eq_nocase(essence(type), SLICE("application/x-www-form-urlencoded"));
}

/* 3: the same; 2: "text/[*]"; 1: any; 0: another. */
static int nearness(struct slice pattern, struct slice type)
{
    if (slice_eq_nocase(pattern, type))
        return 3;
    if (slice_eq_cstr(pattern, "*/*"))
        return 1;
    size_t slash = slice_find_byte(pattern, '/');
    if (!slice_ends_with(pattern, SLICE("/*")) || type.len <= slash)
        return 0;
    return slice_eq_nocase(slice_sub(pattern, 0, slash + 1), slice_sub(type, 0, slash + 1)) ? 2 : 0;
}

const struct openapi_media *openapi_media_find(const struct openapi_content *content,
                                               struct slice type)
{
    const struct openapi_media *best = NULL;
    int near = 0;
    type = essence(type);
    for (size_t i = 0; type.len && i < content->count; i++) {
        int now = nearness(content->items[i].type, type);
        if (now > near) {
            near = now;
            best = &content->items[i];
        }
    }
    return best;
}

bool openapi_media_is_checked(const struct openapi_media *m, struct slice type)
{
    return m->schema && (is_json(type) || is_form(type));
}

/* ---- forms ---- */

static struct slice decode(struct arena *a, struct slice text)
{
    char *to = arena_alloc(a, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        to[i] = text.ptr[i] == '+' ? ' ' : text.ptr[i];
    return percent_decode(slice_of(to, text.len), to);
}

static bool wants_list(const struct json_schema *s)
{
    return s && json_schema_types(s) == 1u << JSON_VALUE_ARRAY;
}

/* A field that may be there several times is a list; its items are put together in the end. */
static bool add_field(struct arena *a, struct json_value *form, struct json_value **last,
                      const struct json_schema *s, enum json_schema_side side, struct slice pair)
{
    size_t mark = slice_find_byte(pair, '=');
    struct slice name = decode(a, slice_sub(pair, 0, mark));
    struct slice text = decode(a, slice_sub(pair, mark + 1, pair.len));
    const struct json_schema *field = json_schema_child(s, name.len ? name : SLICE(" "));
    if (!utf8_is_valid(name) || !utf8_is_valid(text))
        return false;
    bool is_list = wants_list(field);
    const struct json_schema *inner = is_list ? json_schema_child(field, SLICE("")) : field;
    struct json_value *v = json_value_make(a, JSON_VALUE_NULL);
    *v = *openapi_plain_value(a, inner, side, text);
    if (!is_list) {
        v->key = name;
        json_value_push(form, last, v);
        return true;
    }
    struct json_value *list = NULL;
    for (const struct json_value *m = form->first; m && !list; m = m->next)
        list = slice_eq(m->key, name) ? (struct json_value *)(uintptr_t)m : NULL;
    if (!list) {
        list = json_value_make(a, JSON_VALUE_ARRAY);
        list->key = name;
        json_value_push(form, last, list);
    }
    struct json_value *tail = (struct json_value *)(uintptr_t)list->first;
    while (tail && tail->next)
        tail = (struct json_value *)(uintptr_t)tail->next;
    json_value_push(list, &tail, v);
    return true;
}

enum { FORM_FIELDS_MAX = 1000 };

static const struct json_value *read_form(struct arena *a, const struct json_schema *s,
                                          enum json_schema_side side, struct slice body,
                                          const char **wrong)
{
    struct json_value *form = json_value_make(a, JSON_VALUE_OBJECT), *last = NULL;
    struct slice pair, twice;
    unsigned count = 0;
    *wrong = NULL;
    while (!*wrong && slice_split(&body, '&', &pair)) {
        if (pair.len && !add_field(a, form, &last, s, side, pair))
            *wrong = "is not UTF-8";
        if (count++ == FORM_FIELDS_MAX)
            *wrong = "has too many fields";
    }
    if (!*wrong && !json_value_close(a, form, &twice))
        *wrong = "has a field twice";
    return *wrong ? NULL : form;
}

/* ---- the check ---- */

static bool unreadable(char *why, const char *text, unsigned line)
{
    if (line)
        snprintf(why, OPENAPI_WHY_MAX, "body: line %u: %s", line, text);
    else
        snprintf(why, OPENAPI_WHY_MAX, "body: %s", text);
    return false;
}

bool openapi_body_check(struct arena *a, const struct openapi_media *m, enum json_schema_side side,
                        struct slice type, struct slice body, char *why)
{
    const struct json_value *v = NULL;
    struct doc_error error;
    const char *wrong = NULL;
    if (is_json(type) && json_value_parse(body, a, &v, &error))
        return unreadable(why, error.text, error.line);
    if (!v)
        v = read_form(a, m->schema, side, body, &wrong);
    if (!v)
        return unreadable(why, wrong, 0);
    struct json_schema_run run = {.arena = a, .side = side};
    if (json_schema_check(&run, m->schema, v))
        return true;
    openapi_explain(&run, "body", SLICE(""), why);
    return false;
}
