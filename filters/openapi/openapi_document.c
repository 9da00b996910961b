/* From an OpenAPI document to its operations. Whatever is wrong with it is found here, and said
 * with its place. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/openapi/openapi_document.h"

#include "filters/openapi/openapi_read.h"
#include "lib/codec/doc/doc_yaml.h"

/* ---- bodies and responses ---- */

static enum err read_content(const struct openapi_reading *r, const struct json_value *v,
                             struct openapi_content *out)
{
    if (!v)
        return ERR_OK;
    if (v->type != JSON_VALUE_OBJECT)
        return openapi_read_refuse(r, v, "must be an object of media types");
    struct openapi_media *all = arena_zalloc(r->arena, (v->count + 1) * sizeof(*all));
    for (JSON_VALUE_EACH(v, m)) {
        struct slice type = slice_sub(m->key, 0, slice_find_byte(m->key, ';'));
        all[out->count].type = arena_copy_lower(r->arena, slice_trim(type));
        enum err err =
            openapi_read_schema(r, json_value_member(m, "schema"), &all[out->count].schema);
        if (err)
            return err;
        out->count++;
    }
    out->items = all;
    return ERR_OK;
}

static enum err read_body(const struct openapi_reading *r, const struct json_value *v)
{
    if (!v)
        return ERR_OK;
    v = openapi_read_follow(r, v);
    if (!v)
        return ERR_INVALID;
    r->operation->has_body = true;
    r->operation->needs_body = json_value_is_true(json_value_member(v, "required"));
    return read_content(r, json_value_member(v, "content"), &r->operation->body);
}

static enum err read_headers(const struct openapi_reading *r, const struct json_value *v,
                             struct openapi_response *out)
{
    if (!v || v->type != JSON_VALUE_OBJECT)
        return v ? openapi_read_refuse(r, v, "must be an object of headers") : ERR_OK;
    struct openapi_parameter *all = arena_zalloc(r->arena, (v->count + 1) * sizeof(*all));
    for (JSON_VALUE_EACH(v, m)) {
        struct openapi_parameter *p = &all[out->header_count];
        const struct json_value *header = openapi_read_follow(r, m);
        *p = (struct openapi_parameter){.in = OPENAPI_HEADER,
                                        .name = arena_copy_lower(r->arena, m->key)};
        enum err err = header ? openapi_read_value(r, header, p) : ERR_INVALID;
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

static enum err read_responses(const struct openapi_reading *r, const struct json_value *v)
{
    if (!v || v->type != JSON_VALUE_OBJECT)
        return v ? openapi_read_refuse(r, v, "must be an object of responses") : ERR_OK;
    struct openapi_response *all = arena_zalloc(r->arena, (v->count + 1) * sizeof(*all));
    for (JSON_VALUE_EACH(v, m)) {
        struct openapi_response *one = &all[r->operation->response_count];
        if (slice_starts_with(m->key, SLICE("x-")))
            continue;
        one->status = status_of(m->key);
        const struct json_value *response = openapi_read_follow(r, m);
        if (one->status < 0)
            return openapi_read_refuse(r, m,
                                       "must be a status, like \"200\" or \"2XX\", or default");
        enum err err =
            response ? read_headers(r, json_value_member(response, "headers"), one) : ERR_INVALID;
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

static enum err read_operation(struct openapi_reading *r, const struct json_value *item,
                               const struct json_value *v, const char *method,
                               struct openapi_operation *out)
{
    char *upper = arena_strdup(r->arena, slice_from_cstr(method));
    for (char *c = upper; *c; c++)
        *c = (char)(*c - 'a' + 'A');
    r->operation = out;
    out->method = slice_from_cstr(upper);
    if (r->d->operation_count++ >= OPENAPI_OPERATIONS_MAX)
        return openapi_read_refuse(r, v, "there are more than %u operations",
                                   OPENAPI_OPERATIONS_MAX);
    enum err err = openapi_read_parameters(r, item, v);
    err = err ? err : read_body(r, json_value_member(v, "requestBody"));
    return err ? err : read_responses(r, json_value_member(v, "responses"));
}

/* "{id}" of the template. */
static enum err read_names(const struct openapi_reading *r, const struct json_value *at,
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
            return openapi_read_refuse(r, at, "is no path template");
        path->names[path->name_count++] = name;
        rest = slice_sub(rest, end + 1, rest.len);
        if (rest.len && rest.ptr[0] == '{')
            return openapi_read_refuse(r, at, "two parameters stand next to each other");
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

static enum err check_names(const struct openapi_reading *r, const struct json_value *at,
                            const struct openapi_path *path)
{
    for (size_t i = 0; i < r->operation->parameter_count; i++) {
        const struct openapi_parameter *p = &r->operation->parameters[i];
        if (p->in == OPENAPI_PATH && !has_name(path, p->name))
            return openapi_read_refuse(r, at, "the path has no parameter \"%.*s\"",
                                       p->name.len < 80 ? (int)p->name.len : 80, p->name.ptr);
    }
    return ERR_OK;
}

static enum err read_path(struct openapi_reading *r, const struct json_value *at,
                          const struct openapi_path **out)
{
    struct openapi_path *path = arena_zalloc(r->arena, sizeof(*path));
    const struct json_value *item = openapi_read_follow(r, at);
    struct openapi_operation *all = arena_zalloc(r->arena, 8 * sizeof(*all));
    path->template = at->key;
    path->operations = all;
    if (!at->key.len || at->key.ptr[0] != '/')
        return openapi_read_refuse(r, at, "a path must begin with /");
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

/* ---- the paths ---- */

static enum err read_paths(struct openapi_reading *r, struct slice base_path)
{
    const struct json_value *paths = json_value_member(r->root, "paths");
    struct openapi_bases bases = {.count = 0};
    openapi_read_bases(r, base_path, &bases);
    if (paths && paths->type != JSON_VALUE_OBJECT)
        return openapi_read_refuse(r, paths, "must be an object of paths");
    for (const struct json_value *at = paths ? paths->first : NULL; at; at = at->next) {
        const struct openapi_path *path = NULL;
        if (slice_starts_with(at->key, SLICE("x-")))
            continue;
        enum err err = read_path(r, at, &path);
        for (size_t i = 0; !err && i < bases.count; i++)
            if (!openapi_tree_add(r->arena, &r->d->tree, bases.items[i], path))
                err = openapi_read_refuse(r, at, "another path is the same but for names");
        if (err)
            return err;
    }
    return r->d->operation_count
               ? ERR_OK
               : filter_refuse(r->b, "the document has no operation under `paths`");
}

/* ---- the whole ---- */

/* Also those that no operation names, so that a broken one is seen. */
static enum err read_components(const struct openapi_reading *r)
{
    const struct json_value *all =
        json_value_member(json_value_member(r->root, "components"), "schemas");
    const struct json_schema *made;
    if (!all || all->type != JSON_VALUE_OBJECT)
        return ERR_OK;
    for (JSON_VALUE_EACH(all, s)) {
        enum err err = openapi_read_schema(r, s, &made);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err read_version(struct openapi_reading *r)
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

static enum err read_text(struct openapi_reading *r, struct slice text)
{
    struct doc_error error;
    struct doc_list list;
    struct slice trimmed = slice_trim(text);
    while (trimmed.len && (trimmed.ptr[0] == '\n' || trimmed.ptr[0] == '\r'))
        trimmed = slice_sub(trimmed, 1, trimmed.len);
    if (trimmed.len && trimmed.ptr[0] == '{')
        return json_value_parse(text, r->arena, &r->root, &error)
                   ? openapi_read_refuse_with(r, &error)
                   : ERR_OK;
    if (doc_yaml_parse(text, r->arena, &list, &error))
        return openapi_read_refuse_with(r, &error);
    if (list.count != 1)
        return filter_refuse(r->b, "the document must be one YAML or JSON document");
    return json_value_from_doc(list.items[0], r->arena, &r->root, &error)
               ? openapi_read_refuse_with(r, &error)
               : ERR_OK;
}

static enum err read_all(struct openapi_reading *r, const struct openapi_options *options)
{
    struct doc_error error;
    enum err err = read_text(r, arena_copy(r->arena, options->text));
    err = err ? err : read_version(r);
    if (err)
        return err;
    r->d->schemas = json_schema_set_create(r->arena, r->dialect, options->checks_formats);
    if (json_schema_set_add(r->d->schemas, SLICE(""), r->root, false, &error))
        return openapi_read_refuse_with(r, &error);
    err = read_components(r);
    err = err ? err : read_paths(r, options->base_path);
    if (err)
        return err;
    return json_schema_link(r->d->schemas, &error) ? openapi_read_refuse_with(r, &error) : ERR_OK;
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
    struct openapi_reading r = {.b = b, .d = d, .arena = &d->arena};
    return read_all(&r, options) ? NULL : d;
}
