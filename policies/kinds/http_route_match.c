/* The tables of an HTTPRoute's matches, and what the standard demands of paths and patterns.
 * Control thread. Must not know what happens to a request that matches.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_route_match.h"

#include <stdio.h>

#include "lib/base/percent.h"
#include "lib/base/utf8.h"
#include "lib/codec/text/regex.h"
#include "lib/schema/schema_format.h"

static const char *const path_types[] = {
    [HTTP_ROUTE_EXACT] = "Exact",
    [HTTP_ROUTE_PREFIX] = "PathPrefix",
    [HTTP_ROUTE_REGEX] = "RegularExpression",
    NULL,
};
static const char *const value_types[] = {
    [HTTP_ROUTE_VALUE_EXACT] = "Exact",
    [HTTP_ROUTE_VALUE_REGEX] = "RegularExpression",
    NULL,
};
const char *const http_route_match_methods[] = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                                "CONNECT", "OPTIONS", "TRACE", "PATCH", NULL};

static const struct schema_field path_fields[] = {
    SCHEMA_FIELD(struct http_route_path_match, type, "type", ENUM, "How the path compares.",
                 .choices = path_types, .fallback = HTTP_ROUTE_PREFIX),
    SCHEMA_FIELD(struct http_route_path_match, value, "value", STRING, "The path.", .text = "/",
                 .min = 1, .max = 1024),
    {0},
};

void http_route_match_check_regex(struct schema_run *run, const struct doc *node, const char *sub,
                                  struct slice pattern)
{
    struct regex *regex;
    struct regex_fault fault;
    if (!pattern.ptr)
        return;
    if (regex_create(pattern, false, &regex, &fault))
        schema_error(run, node, sub, "is not a valid regular expression: %s, at character %zu",
                     fault.text, fault.offset + 1);
    regex_destroy(regex);
}

/* Requests are matched decoded, without path parameters, with dot segments resolved: what stands
 * for one of the bytes that this depends on could never be matched. The path is known to have whole
 * escapes only. */
static bool decodes_plainly(struct slice path)
{
    char bytes[1024];
    size_t len = 0;
    for (size_t i = 0; i < path.len && len < sizeof bytes; i++) {
        char c = path.ptr[i];
        if (c == '%') {
            c = (char)percent_byte(path.ptr + i, path.ptr + path.len);
            i += 2;
            if ((unsigned char)c < 0x20 || strchr("/\\.;%\x7f", c))
                return false;
        }
        bytes[len++] = c;
    }
    for (size_t at = 0, step; at < len; at += step)
        if (!(step = utf8_front(slice_of(bytes + at, len - at))))
            return false;
    return true;
}

static const char *const never[] = {"//", "/./", "/../", ";"};

static bool ends_in_dots(struct slice path)
{
    return slice_ends_with(path, SLICE("/.")) || slice_ends_with(path, SLICE("/.."));
}

bool http_route_match_is_plain_path(struct slice path)
{
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (slice_find(path, slice_from_cstr(never[i])) < path.len)
            return false;
    return path.len > 0 && path.len <= 1024 && schema_format_path.is_valid(path) &&
           !ends_in_dots(path) && decodes_plainly(path);
}

static void check_plain_path(struct schema_run *run, const struct doc *node, struct slice path)
{
    if (!schema_format_path.is_valid(path)) {
        schema_error(run, node, "value", "%s", schema_format_path.must_be);
        return;
    }
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (slice_find(path, slice_from_cstr(never[i])) < path.len)
            schema_error(run, node, "value", "must not contain \"%s\"", never[i]);
    if (ends_in_dots(path))
        schema_error(run, node, "value", "must not end with \"/.\" or \"/..\"");
    if (!decodes_plainly(path))
        schema_error(run, node, "value",
                     "must not have escapes of '/', '.', ';', '%%' or control characters, nor of "
                     "what is not UTF-8");
}

static void check_path(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_path_match *p = value;
    if (p->type == HTTP_ROUTE_REGEX)
        http_route_match_check_regex(run, node, "value", p->value);
    else if (p->value.ptr)
        check_plain_path(run, node, p->value);
}

static const struct schema path_schema = {
    .name = "HTTPPathMatch",
    .doc = "What the path must be.",
    .size = sizeof(struct http_route_path_match),
    .fields = path_fields,
    .check = check_path,
};

/* ---- claims ---- */

static const struct slice claim_front = {HTTP_ROUTE_CLAIM, sizeof HTTP_ROUTE_CLAIM - 1};

bool http_route_match_is_claim(struct slice header)
{
    return slice_eq_nocase(slice_sub(header, 0, claim_front.len), claim_front);
}

static bool has_whole_escapes(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '%' && percent_byte(name.ptr + i, name.ptr + name.len) < 0)
            return false;
    return true;
}

size_t http_route_match_claim(struct slice header, struct arena *arena, struct slice **names)
{
    struct slice rest = slice_sub(header, claim_front.len, header.len), name;
    bool ends_in_dot = rest.len && rest.ptr[rest.len - 1] == '.';
    size_t count = 0;
    *names = arena_alloc(arena, (rest.len + 1) * sizeof **names);
    while (slice_split(&rest, '.', &name)) {
        if (!name.len || !has_whole_escapes(name))
            return 0;
        (*names)[count++] = percent_decode(name, arena_alloc(arena, name.len));
    }
    return ends_in_dot ? 0 : count;
}

bool http_route_match_same_header(struct slice a, struct slice b)
{
    bool is_claim = http_route_match_is_claim(a) && http_route_match_is_claim(b);
    return is_claim ? slice_eq(slice_sub(a, claim_front.len, a.len),
                               slice_sub(b, claim_front.len, b.len))
                    : slice_eq_nocase(a, b);
}

/* ---- headers and the query ---- */

static void check_value(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_value_match *m = value;
    if (m->type == HTTP_ROUTE_VALUE_REGEX)
        http_route_match_check_regex(run, node, "value", m->value);
}

static const struct schema_field header_fields[] = {
    SCHEMA_FIELD(struct http_route_value_match, type, "type", ENUM, "How the value compares.",
                 .choices = value_types),
    SCHEMA_FIELD(struct http_route_value_match, name, "name", STRING,
                 "Name of the header, in any case.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .format = &schema_format_header_name),
    SCHEMA_FIELD(struct http_route_value_match, value, "value", STRING, "Its value.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 4096),
    {0},
};

static const struct schema_field query_fields[] = {
    SCHEMA_FIELD(struct http_route_value_match, type, "type", ENUM, "How the value compares.",
                 .choices = value_types),
    SCHEMA_FIELD(struct http_route_value_match, name, "name", STRING, "Name of the parameter.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .format = &schema_format_header_name),
    SCHEMA_FIELD(struct http_route_value_match, value, "value", STRING,
                 "Its value; the first one counts.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 1024),
    {0},
};

static void check_header(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_value_match *m = value;
    struct slice *names;
    check_value(run, node, value);
    if (http_route_match_is_claim(m->name) && !http_route_match_claim(m->name, run->arena, &names))
        schema_error(run, node, "name",
                     "must name a claim behind " HTTP_ROUTE_CLAIM ", with dots between members of "
                     "objects and %%XX for other characters");
}

const struct schema http_route_match_header_schema = {
    .name = "HTTPHeaderMatch",
    .doc = "What a header must be, or a claim of the token (request.auth.claims.NAME).",
    .size = sizeof(struct http_route_value_match),
    .fields = header_fields,
    .check = check_header,
};

static const struct schema query_schema = {
    .name = "HTTPQueryParamMatch",
    .doc = "What a query parameter must be.",
    .size = sizeof(struct http_route_value_match),
    .fields = query_fields,
    .check = check_value,
};

static const struct schema_field header_element = {.type = SCHEMA_INLINE,
                                                   .object = &http_route_match_header_schema};
static const struct schema_field query_element = {.type = SCHEMA_INLINE, .object = &query_schema};

static const struct schema_field match_fields[] = {
    SCHEMA_FIELD(struct http_route_match, path, "path", INLINE,
                 "What the path must be; any when left out.", .object = &path_schema),
    SCHEMA_FIELD(struct http_route_match, headers, "headers", LIST, "All of them must match.",
                 .max = 16, .element = &header_element),
    SCHEMA_FIELD(struct http_route_match, query, "queryParams", LIST, "All of them must match.",
                 .max = 16, .element = &query_element),
    SCHEMA_FIELD(struct http_route_match, method, "method", ENUM,
                 "What the method must be; any when left out.", .choices = http_route_match_methods,
                 .fallback = SCHEMA_UNSET),
    {0},
};

static void check_repeats(struct schema_run *run, const struct doc *node, const char *field,
                          const struct schema_list *matches)
{
    for (size_t i = 0; i < matches->count; i++) {
        for (size_t j = 0; j < i; j++) {
            struct slice a = SCHEMA_AT(*matches, struct http_route_value_match, i)->name;
            struct slice b = SCHEMA_AT(*matches, struct http_route_value_match, j)->name;
            char where[48];
            snprintf(where, sizeof where, "%s[%zu].name", field, i);
            if (a.len && slice_eq(a, b))
                schema_error(run, node, where, "\"%.*s\" is given twice", SLICE_ARG(a));
        }
    }
}

static void check_match(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_match *m = value;
    check_repeats(run, node, "headers", &m->headers);
    check_repeats(run, node, "queryParams", &m->query);
}

const struct schema http_route_match_schema = {
    .name = "HTTPRouteMatch",
    .doc = "A request matches when all of it holds.",
    .size = sizeof(struct http_route_match),
    .fields = match_fields,
    .check = check_match,
};
