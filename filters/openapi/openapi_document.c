/* From an OpenAPI document to its operations. Whatever is wrong with it is found here, and said
 * with its place. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "filters/openapi/openapi.h"
#include "lib/codec/doc/doc_yaml.h"

enum { REFERENCES_MAX = 16 };

struct reading {
    const struct filter_build *b;
    struct openapi_document *d;
    struct arena *arena;
    const struct json_value *root;
    enum json_schema_dialect dialect;
    struct openapi_operation *operation; /* the one that is read */
};

static enum err refuse(const struct reading *r, const struct json_value *at, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));
static enum err refuse(const struct reading *r, const struct json_value *at, const char *format,
                       ...)
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

static enum err refuse_with(const struct reading *r, const struct doc_error *error)
{
    return filter_refuse(r->b, "the document, line %u: %.200s", error->line, error->text);
}

/* ---- references ---- */

static const struct json_value *find_pointer(const struct reading *r, struct slice pointer)
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
static const struct json_value *follow(const struct reading *r, const struct json_value *v)
{
    for (int i = 0; i < REFERENCES_MAX; i++) {
        struct slice to = json_value_string(json_value_member(v, "$ref"));
        if (!to.ptr)
            return v;
        const struct json_value *found =
            slice_starts_with(to, SLICE("#/")) ? find_pointer(r, slice_sub(to, 1, to.len)) : NULL;
        if (!found) {
            refuse(r, v, "\"%.*s\" is not in this document, and others are not fetched",
                   to.len < 80 ? (int)to.len : 80, to.ptr);
            return NULL;
        }
        v = found;
    }
    refuse(r, v, "its references go round in circles");
    return NULL;
}

static enum err compile(const struct reading *r, const struct json_value *at,
                        const struct json_schema **out)
{
    struct doc_error error;
    if (!at)
        return ERR_OK;
    return json_schema_compile(r->d->schemas, at, out, &error) ? refuse_with(r, &error) : ERR_OK;
}

/* ---- parameters ---- */

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

static enum err read_style(const struct reading *r, const struct json_value *v,
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
        return refuse(r, style, "is no style of a parameter at this place");
    p->explode = explode ? json_value_is_true(explode) : p->style == OPENAPI_FORM;
    if (p->style == OPENAPI_DEEP)
        p->prefix = arena_printf(r->arena, "%.*s[", SLICE_ARG(p->name));
    return ERR_OK;
}

/* What its value must be: `schema`, or the schema of its one media type. */
static enum err read_value(const struct reading *r, const struct json_value *v,
                           struct openapi_parameter *p)
{
    const struct json_value *content = json_value_member(v, "content");
    p->required = json_value_is_true(json_value_member(v, "required"));
    enum err err = read_style(r, v, p);
    if (err || !content)
        return err ? err : compile(r, json_value_member(v, "schema"), &p->schema);
    if (content->type != JSON_VALUE_OBJECT || content->count != 1)
        return refuse(r, content, "must have exactly one media type");
    p->is_json = slice_ends_with(content->first->key, SLICE("json"));
    return p->is_json ? compile(r, json_value_member(content->first, "schema"), &p->schema)
                      : ERR_OK;
}

static bool is_ignored_header(struct slice name)
{
    return slice_eq_cstr(name, "accept") || slice_eq_cstr(name, "content-type") ||
           slice_eq_cstr(name, "authorization");
}

static enum err read_parameter(const struct reading *r, const struct json_value *v,
                               struct openapi_parameter *p)
{
    static const char *const places[] = {"path", "query", "header", "cookie"};
    const struct json_value *in = json_value_member(v, "in");
    p->name = json_value_string(json_value_member(v, "name"));
    if (!p->name.len)
        return refuse(r, v, "a parameter must have a name");
    for (unsigned i = 0; i < 4; i++)
        if (slice_eq_cstr(json_value_string(in), places[i])) {
            p->in = (enum openapi_in)i;
            if (p->in == OPENAPI_HEADER)
                p->name = arena_copy_lower(r->arena, p->name);
            return read_value(r, v, p);
        }
    return refuse(r, v, "`in` must be path, query, header or cookie");
}

static bool is_same(const struct openapi_parameter *a, const struct openapi_parameter *b)
{
    return a->in == b->in && slice_eq(a->name, b->name);
}

/* Those of the operation stand in for those of its path. */
static enum err add_parameters(const struct reading *r, const struct json_value *list,
                               struct openapi_parameter *all, size_t *count)
{
    size_t before = *count;
    if (list && list->type != JSON_VALUE_ARRAY)
        return refuse(r, list, "must be an array");
    for (const struct json_value *item = list ? list->first : NULL; item; item = item->next) {
        struct openapi_parameter p = {0};
        size_t at = 0;
        const struct json_value *v = follow(r, item);
        enum err err = v ? read_parameter(r, v, &p) : ERR_INVALID;
        if (err)
            return err;
        while (at < *count && !is_same(&all[at], &p))
            at++;
        if (at >= before && at < *count)
            return refuse(r, item, "the parameter is there twice");
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

static enum err read_parameters(const struct reading *r, const struct json_value *item,
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

/* ---- bodies and responses ---- */

static enum err read_content(const struct reading *r, const struct json_value *v,
                             struct openapi_content *out)
{
    if (!v)
        return ERR_OK;
    if (v->type != JSON_VALUE_OBJECT)
        return refuse(r, v, "must be an object of media types");
    struct openapi_media *all = arena_zalloc(r->arena, (v->count + 1) * sizeof(*all));
    for (JSON_VALUE_EACH(v, m)) {
        struct slice type = slice_sub(m->key, 0, slice_find_byte(m->key, ';'));
        all[out->count].type = arena_copy_lower(r->arena, slice_trim(type));
        enum err err = compile(r, json_value_member(m, "schema"), &all[out->count].schema);
        if (err)
            return err;
        out->count++;
    }
    out->items = all;
    return ERR_OK;
}

static enum err read_body(const struct reading *r, const struct json_value *v)
{
    if (!v)
        return ERR_OK;
    v = follow(r, v);
    if (!v)
        return ERR_INVALID;
    r->operation->has_body = true;
    r->operation->needs_body = json_value_is_true(json_value_member(v, "required"));
    return read_content(r, json_value_member(v, "content"), &r->operation->body);
}

static enum err read_headers(const struct reading *r, const struct json_value *v,
                             struct openapi_response *out)
{
    if (!v || v->type != JSON_VALUE_OBJECT)
        return v ? refuse(r, v, "must be an object of headers") : ERR_OK;
    struct openapi_parameter *all = arena_zalloc(r->arena, (v->count + 1) * sizeof(*all));
    for (JSON_VALUE_EACH(v, m)) {
        struct openapi_parameter *p = &all[out->header_count];
        const struct json_value *header = follow(r, m);
        *p = (struct openapi_parameter){.in = OPENAPI_HEADER,
                                        .name = arena_copy_lower(r->arena, m->key)};
        enum err err = header ? read_value(r, header, p) : ERR_INVALID;
        if (err)
            return err;
        out->header_count += !slice_eq_cstr(p->name, "content-type");
    }
    out->headers = all;
    return ERR_OK;
}

/* "200", "2XX", "default"; -1: none. */
static int status_of(struct slice key)
{
    uint64_t status;
    if (slice_eq_cstr(key, "default"))
        return 0;
    if (key.len == 3 && slice_eq_nocase(slice_sub(key, 1, 2), SLICE("XX")) && key.ptr[0] >= '1' &&
        key.ptr[0] <= '5')
        return key.ptr[0] - '0';
    return key.len == 3 && !slice_to_u64(key, &status) && status >= 100 ? (int)status : -1;
}

static enum err read_responses(const struct reading *r, const struct json_value *v)
{
    if (!v || v->type != JSON_VALUE_OBJECT)
        return v ? refuse(r, v, "must be an object of responses") : ERR_OK;
    struct openapi_response *all = arena_zalloc(r->arena, (v->count + 1) * sizeof(*all));
    for (JSON_VALUE_EACH(v, m)) {
        struct openapi_response *one = &all[r->operation->response_count];
        if (slice_starts_with(m->key, SLICE("x-")))
            continue;
        one->status = status_of(m->key);
        const struct json_value *response = follow(r, m);
        if (one->status < 0)
            return refuse(r, m, "must be a status, like \"200\" or \"2XX\", or default");
        enum err err = response ? read_headers(r, json_value_member(response, "headers"), one)
                                : ERR_INVALID;
        err = err ? err : read_content(r, json_value_member(response, "content"), &one->content);
        if (err)
            return err;
        r->operation->response_count++;
    }
    r->operation->responses = all;
    return ERR_OK;
}

/* ---- operations ---- */

static const char *const methods[] = {"get",  "put",   "post",  "delete", "options",
                                      "head", "patch", "trace", NULL};

static enum err read_operation(struct reading *r, const struct json_value *item,
                               const struct json_value *v, const char *method,
                               struct openapi_operation *out)
{
    char *upper = arena_strdup(r->arena, slice_from_cstr(method));
    for (char *c = upper; *c; c++)
        *c = (char)(*c - 'a' + 'A');
    r->operation = out;
    out->method = slice_from_cstr(upper);
    if (r->d->operation_count++ >= OPENAPI_OPERATIONS_MAX)
        return refuse(r, v, "there are more than %u operations", OPENAPI_OPERATIONS_MAX);
    enum err err = read_parameters(r, item, v);
    err = err ? err : read_body(r, json_value_member(v, "requestBody"));
    return err ? err : read_responses(r, json_value_member(v, "responses"));
}

/* "{id}" of the template. */
static enum err read_names(const struct reading *r, const struct json_value *at,
                           struct openapi_path *path)
{
    struct slice rest = path->template;
    path->names = arena_alloc(r->arena, OPENAPI_SEGMENTS_MAX * sizeof(struct slice));
    while (slice_find_byte(rest, '{') < rest.len) {
        rest = slice_sub(rest, slice_find_byte(rest, '{') + 1, rest.len);
        size_t end = slice_find_byte(rest, '}');
        struct slice name = slice_sub(rest, 0, end);
        bool is_sound = end < rest.len && end > 0 && slice_find_byte(name, '/') == name.len &&
                        slice_find_byte(name, '{') == name.len;
        if (!is_sound || path->name_count == OPENAPI_SEGMENTS_MAX)
            return refuse(r, at, "is no path template");
        path->names[path->name_count++] = name;
        rest = slice_sub(rest, end + 1, rest.len);
        if (rest.len && rest.ptr[0] == '{')
            return refuse(r, at, "two parameters stand next to each other");
    }
    return ERR_OK;
}

static bool has_name(const struct openapi_path *path, struct slice name)
{
    for (size_t i = 0; i < path->name_count; i++)
        if (slice_eq(path->names[i], name))
            return true;
    return false;
}

static enum err check_names(const struct reading *r, const struct json_value *at,
                            const struct openapi_path *path)
{
    for (size_t i = 0; i < r->operation->parameter_count; i++) {
        const struct openapi_parameter *p = &r->operation->parameters[i];
        if (p->in == OPENAPI_PATH && !has_name(path, p->name))
            return refuse(r, at, "the path has no parameter \"%.*s\"",
                          p->name.len < 80 ? (int)p->name.len : 80, p->name.ptr);
    }
    return ERR_OK;
}

static enum err read_path(struct reading *r, const struct json_value *at,
                          const struct openapi_path **out)
{
    struct openapi_path *path = arena_zalloc(r->arena, sizeof(*path));
    const struct json_value *item = follow(r, at);
    struct openapi_operation *all = arena_zalloc(r->arena, 8 * sizeof(*all));
    path->template = at->key;
    path->operations = all;
    if (!at->key.len || at->key.ptr[0] != '/')
        return refuse(r, at, "a path must begin with /");
    enum err err = item ? read_names(r, at, path) : ERR_INVALID;
    for (const char *const *method = methods; *method && !err; method++) {
        const struct json_value *v = json_value_member(item, *method);
        if (!v)
            continue;
        struct openapi_operation *one = &all[path->operation_count++];
        err = read_operation(r, item, v, *method, one);
        err = err ? err : check_names(r, v, path);
        path->allow = arena_printf(r->arena, "%.*s%s%.*s", SLICE_ARG(path->allow),
                                   path->allow.len ? ", " : "", SLICE_ARG(one->method));
    }
    *out = path;
    return err;
}

/* ---- where it is served ---- */

enum { BASES_MAX = 32 };

struct bases {
    struct slice items[BASES_MAX];
    size_t count;
};

static void add_base(struct bases *all, struct slice base)
{
    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    for (size_t i = 0; i < all->count; i++)
        if (slice_eq(all->items[i], base))
            return;
    if (all->count < BASES_MAX)
        all->items[all->count++] = base;
}

/* "{version}" by its default. */
static struct slice fill_in(const struct reading *r, const struct json_value *server,
                            struct slice url)
{
    const struct json_value *variables = json_value_member(server, "variables");
    for (int i = 0; i < REFERENCES_MAX && slice_find_byte(url, '{') < url.len; i++) {
        size_t from = slice_find_byte(url, '{'), end = slice_find_byte(url, '}');
        if (end < from)
            break;
        struct slice name = slice_sub(url, from + 1, end - from - 1);
        struct slice value = json_value_string(
            json_value_member(json_value_get(variables, name), "default"));
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

static void find_bases(const struct reading *r, struct slice given, struct bases *all)
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

static enum err read_paths(struct reading *r, struct slice base_path)
{
    const struct json_value *paths = json_value_member(r->root, "paths");
    struct bases bases = {.count = 0};
    find_bases(r, base_path, &bases);
    if (paths && paths->type != JSON_VALUE_OBJECT)
        return refuse(r, paths, "must be an object of paths");
    for (const struct json_value *at = paths ? paths->first : NULL; at; at = at->next) {
        const struct openapi_path *path;
        if (slice_starts_with(at->key, SLICE("x-")))
            continue;
        enum err err = read_path(r, at, &path);
        for (size_t i = 0; !err && i < bases.count; i++)
            if (!openapi_tree_add(r->arena, &r->d->tree, bases.items[i], path))
                err = refuse(r, at, "another path is the same but for names");
        if (err)
            return err;
    }
    return r->d->operation_count
               ? ERR_OK
               : filter_refuse(r->b, "the document has no operation under `paths`");
}

/* ---- the whole ---- */

/* Also those that no operation names, so that a broken one is seen. */
static enum err read_components(const struct reading *r)
{
    const struct json_value *all =
        json_value_member(json_value_member(r->root, "components"), "schemas");
    const struct json_schema *made;
    if (!all || all->type != JSON_VALUE_OBJECT)
        return ERR_OK;
    for (JSON_VALUE_EACH(all, s)) {
        enum err err = compile(r, s, &made);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err read_version(struct reading *r)
{
    struct slice version = json_value_string(json_value_member(r->root, "openapi"));
    bool is_3_0 = slice_starts_with(version, SLICE("3.0."));
    r->dialect = is_3_0 ? JSON_SCHEMA_OPENAPI_3_0 : JSON_SCHEMA_2020_12;
    if (is_3_0 || slice_starts_with(version, SLICE("3.1.")))
        return ERR_OK;
    if (json_value_member(r->root, "swagger"))
        return filter_refuse(r->b, "the document is Swagger 2.0: convert it to OpenAPI 3");
    return filter_refuse(r->b, "the document must say `openapi: 3.0.x` or `openapi: 3.1.x`");
}

static enum err read_text(struct reading *r, struct slice text)
{
    struct doc_error error;
    struct doc_list list;
    struct slice trimmed = slice_trim(text);
    while (trimmed.len && (trimmed.ptr[0] == '\n' || trimmed.ptr[0] == '\r'))
        trimmed = slice_sub(trimmed, 1, trimmed.len);
    if (trimmed.len && trimmed.ptr[0] == '{')
        return json_value_parse(text, r->arena, &r->root, &error) ? refuse_with(r, &error)
                                                                  : ERR_OK;
    if (doc_yaml_parse(text, r->arena, &list, &error))
        return refuse_with(r, &error);
    if (list.count != 1)
        return filter_refuse(r->b, "the document must be one YAML or JSON document");
    return json_value_from_doc(list.items[0], r->arena, &r->root, &error)
               ? refuse_with(r, &error)
               : ERR_OK;
}

static enum err read_all(struct reading *r, const struct openapi_options *options)
{
    struct doc_error error;
    enum err err = read_text(r, arena_copy(r->arena, options->text));
    err = err ? err : read_version(r);
    if (err)
        return err;
    r->d->schemas = json_schema_set_create(r->arena, r->dialect, options->checks_formats);
    if (json_schema_set_add(r->d->schemas, SLICE(""), r->root, false, &error))
        return refuse_with(r, &error);
    err = read_components(r);
    err = err ? err : read_paths(r, options->base_path);
    if (err)
        return err;
    return json_schema_link(r->d->schemas, &error) ? refuse_with(r, &error) : ERR_OK;
}

static void dispose(struct filter_keep *keep)
{
    struct openapi_document *d = (struct openapi_document *)(void *)keep;
    json_schema_set_destroy(d->schemas);
    arena_dispose(&d->arena);
}

static void begin(struct filter_keep *keep)
{
    arena_init(&((struct openapi_document *)(void *)keep)->arena, 65536);
}

struct openapi_document *openapi_document_make(const struct filter_build *b,
                                               const struct openapi_options *options)
{
    struct filter_build unnamed = *b; /* it goes with its configuration */
    unnamed.keeps = NULL;
    struct openapi_document *d =
        filter_keep(&unnamed, sizeof(struct openapi_document), begin, dispose);
    struct reading r = {.b = b, .d = d, .arena = &d->arena};
    return read_all(&r, options) ? NULL : d;
}
