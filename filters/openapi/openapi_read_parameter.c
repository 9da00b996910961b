/* Parameters of operations and headers of responses, as the document describes them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/openapi/openapi_read.h"

static const struct {
    const char *name;
    enum openapi_style style;
    unsigned places;
} styles[] = {
    {"simple", OPENAPI_SIMPLE, 1 << OPENAPI_PATH | 1 << OPENAPI_HEADER},
    {"label", OPENAPI_LABEL, 1 << OPENAPI_PATH},
    {"matrix", OPENAPI_MATRIX, 1 << OPENAPI_PATH},
    {"form", OPENAPI_FORM, 1 << OPENAPI_QUERY | 1 << OPENAPI_COOKIE},
    {"spaceDelimited", OPENAPI_SPACE, 1 << OPENAPI_QUERY},
    {"pipeDelimited", OPENAPI_PIPE, 1 << OPENAPI_QUERY},
    {"deepObject", OPENAPI_DEEP, 1 << OPENAPI_QUERY},
};

static enum err read_style(const struct openapi_reading *r, const struct json_value *v,
                           struct openapi_parameter *p)
{
    const struct json_value *style = json_value_member(v, "style");
    const struct json_value *explode = json_value_member(v, "explode");
    bool is_form = p->in == OPENAPI_QUERY || p->in == OPENAPI_COOKIE;
    bool is_known = !style;
    p->style = is_form ? OPENAPI_FORM : OPENAPI_SIMPLE;
    for (size_t i = 0; style && i < sizeof(styles) / sizeof(styles[0]); i++) {
        bool fits = styles[i].places >> p->in & 1;
        if (fits && slice_eq_cstr(json_value_string(style), styles[i].name)) {
            p->style = styles[i].style;
            is_known = true;
        }
    }
    if (!is_known)
        return openapi_read_refuse(r, style, "is no style of a parameter at this place");
    p->explode = explode ? json_value_is_true(explode) : p->style == OPENAPI_FORM;
    if (p->style == OPENAPI_DEEP)
        p->prefix = arena_printf(r->arena, "%.*s[", SLICE_ARG(p->name));
    return ERR_OK;
}

/* What its value must be: `schema`, or the schema of its one media type. */
enum err openapi_read_value(const struct openapi_reading *r, const struct json_value *v,
                            struct openapi_parameter *p)
{
    const struct json_value *content = json_value_member(v, "content");
    p->required = json_value_is_true(json_value_member(v, "required"));
    enum err err = read_style(r, v, p);
    if (err || !content)
        return err ? err : openapi_read_schema(r, json_value_member(v, "schema"), &p->schema);
    if (content->type != JSON_VALUE_OBJECT || content->count != 1)
        return openapi_read_refuse(r, content, "must have exactly one media type");
    p->is_json = slice_ends_with(content->first->key, SLICE("json"));
    return p->is_json
               ? openapi_read_schema(r, json_value_member(content->first, "schema"), &p->schema)
               : ERR_OK;
}

static bool is_ignored_header(struct slice name)
{
    return slice_eq_cstr(name, "accept") || slice_eq_cstr(name, "content-type") ||
           slice_eq_cstr(name, "authorization");
}

static enum err read_parameter(const struct openapi_reading *r, const struct json_value *v,
                               struct openapi_parameter *p)
{
    static const char *const places[] = {"path", "query", "header", "cookie"};
    const struct json_value *in = json_value_member(v, "in");
    p->name = json_value_string(json_value_member(v, "name"));
    if (!p->name.len)
        return openapi_read_refuse(r, v, "a parameter must have a name");
    for (unsigned i = 0; i < 4; i++)
        if (slice_eq_cstr(json_value_string(in), places[i])) {
            p->in = (enum openapi_in)i;
            if (p->in == OPENAPI_HEADER)
                p->name = arena_copy_lower(r->arena, p->name);
            return openapi_read_value(r, v, p);
        }
    return openapi_read_refuse(r, v, "`in` must be path, query, header or cookie");
}

static bool is_same(const struct openapi_parameter *a, const struct openapi_parameter *b)
{
    return a->in == b->in && slice_eq(a->name, b->name);
}

/* Those of the operation stand in for those of its path. */
static enum err add_parameters(const struct openapi_reading *r, const struct json_value *list,
                               struct openapi_parameter *all, size_t *count)
{
    size_t before = *count;
    if (list && list->type != JSON_VALUE_ARRAY)
        return openapi_read_refuse(r, list, "must be an array");
    for (const struct json_value *item = list ? list->first : NULL; item; item = item->next) {
        struct openapi_parameter p = {0};
        size_t at = 0;
        const struct json_value *v = openapi_read_follow(r, item);
        enum err err = v ? read_parameter(r, v, &p) : ERR_INVALID;
        if (err)
            return err;
        while (at < *count && !is_same(&all[at], &p))
            at++;
        if (at >= before && at < *count)
            return openapi_read_refuse(r, item, "the parameter is there twice");
        if (p.in == OPENAPI_HEADER && is_ignored_header(p.name))
            continue;
        all[at] = p;
        *count += at == *count;
    }
    return ERR_OK;
}

static size_t length_of(const struct json_value *list)
{
    return list && list->type == JSON_VALUE_ARRAY ? list->count : 0;
}

enum err openapi_read_parameters(const struct openapi_reading *r, const struct json_value *item,
                                 const struct json_value *operation)
{
    const struct json_value *outer = json_value_member(item, "parameters");
    const struct json_value *inner = json_value_member(operation, "parameters");
    struct openapi_parameter *all =
        arena_zalloc(r->arena, (length_of(outer) + length_of(inner) + 1) * sizeof(*all));
    size_t count = 0;
    enum err err = add_parameters(r, outer, all, &count);
    err = err ? err : add_parameters(r, inner, all, &count);
    r->operation->parameters = all;
    r->operation->parameter_count = count;
    return err;
}
