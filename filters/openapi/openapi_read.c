/* What is read everywhere in a document: references, schemas, servers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/openapi/openapi_read.h"

#include <stdarg.h>
#include <stdio.h>

enum err openapi_read_refuse(const struct openapi_reading *r, const struct json_value *at,
                             const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct slice where = json_value_pointer(at, r->arena);
    return filter_refuse(r->b, "the document, line %u, %.*s: %s", at->line,
                         where.len < 100 ? (int)where.len : 100, where.ptr ? where.ptr : "", text);
}

enum err openapi_read_refuse_with(const struct openapi_reading *r, const struct doc_error *error)
{
    return filter_refuse(r->b, "the document, line %u: %.200s", error->line, error->text);
}

/* ---- references ---- */

static const struct json_value *find_pointer(const struct openapi_reading *r, struct slice pointer)
{
    const struct json_value *at = r->root;
    struct slice rest = slice_sub(pointer, 1, pointer.len), step;
    while (at && slice_split(&rest, '/', &step)) {
        char key[256];
        size_t len = 0;
        for (size_t i = 0; i < step.len && len < sizeof key; i++) {
            bool is_escape = step.ptr[i] == '~' && i + 1 < step.len;
            key[len++] = !is_escape ? step.ptr[i] : step.ptr[i + 1] == '1' ? '/' : '~';
            i += is_escape;
        }
        at = json_value_get(at, slice_of(key, len));
    }
    return at;
}

/* Where a Reference Object leads, or the value itself. NULL: refused. */
const struct json_value *openapi_read_follow(const struct openapi_reading *r,
                                             const struct json_value *v)
{
    for (int i = 0; i < OPENAPI_REFERENCES_MAX; i++) {
        struct slice to = json_value_string(json_value_member(v, "$ref"));
        if (!to.ptr)
            return v;
        const struct json_value *found =
            slice_starts_with(to, SLICE("#/")) ? find_pointer(r, slice_sub(to, 1, to.len)) : NULL;
        if (!found) {
            openapi_read_refuse(r, v,
                                "\"%.*s\" is not in this document, and others are not fetched",
                                to.len < 80 ? (int)to.len : 80, to.ptr);
            return NULL;
        }
        v = found;
    }
    openapi_read_refuse(r, v, "its references go round in circles");
    return NULL;
}

enum err openapi_read_schema(const struct openapi_reading *r, const struct json_value *at,
                             const struct json_schema **out)
{
    struct doc_error error;
    if (!at)
        return ERR_OK;
    return json_schema_compile(r->d->schemas, at, out, &error) ? openapi_read_refuse_with(r, &error)
                                                               : ERR_OK;
}

/* ---- where it is served ---- */

static void add_base(struct openapi_bases *all, struct slice base)
{
    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    for (size_t i = 0; i < all->count; i++)
        if (slice_eq(all->items[i], base))
            return;
    if (all->count < OPENAPI_BASES_MAX)
        all->items[all->count++] = base;
}

/* "{version}" by its default. */
static struct slice fill_in(const struct openapi_reading *r, const struct json_value *server,
                            struct slice url)
{
    const struct json_value *variables = json_value_member(server, "variables");
    for (int i = 0; i < OPENAPI_REFERENCES_MAX && slice_find_byte(url, '{') < url.len; i++) {
        size_t from = slice_find_byte(url, '{'), end = slice_find_byte(url, '}');
        if (end < from)
            break;
        struct slice name = slice_sub(url, from + 1, end - from - 1);
        struct slice value =
            json_value_string(json_value_member(json_value_get(variables, name), "default"));
        url = arena_printf(r->arena, "%.*s%.*s%.*s", (int)from, url.ptr, SLICE_ARG(value),
                           (int)(end < url.len ? url.len - end - 1 : 0), url.ptr + end + 1);
    }
    return url;
}

static struct slice path_of(struct slice url)
{
    size_t at = slice_find(url, SLICE("://"));
    if (at < url.len)
        url = slice_sub(url, at + 3, url.len);
    else if (!slice_starts_with(url, SLICE("/")))
        return SLICE("");
    url = slice_sub(url, slice_find_byte(url, '/'), url.len);
    return slice_sub(url, 0, slice_find_byte(url, '?'));
}

void openapi_read_bases(const struct openapi_reading *r, struct slice given,
                        struct openapi_bases *all)
{
    const struct json_value *servers = json_value_member(r->root, "servers");
    if (given.ptr)
        add_base(all, given);
    else if (servers && servers->type == JSON_VALUE_ARRAY)
        for (JSON_VALUE_EACH(servers, server)) {
            struct slice url = json_value_string(json_value_member(server, "url"));
            add_base(all, path_of(fill_in(r, server, url)));
        }
    if (!all->count)
        add_base(all, SLICE(""));
}
