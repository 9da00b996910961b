/* Parts of an answer, from what users write. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/parts.h"

#include "lib/codec/doc/json_tree.h"
#include "lib/schema/schema_format.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

static const char *const methods[] = {"GET", "POST", NULL};

static const struct schema_field header_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_mutable_header};

static const struct schema_field part_fields[] = {
    SCHEMA_FIELD(struct part_spec, field, "field", STRING,
                 "The member of the answer that this part becomes.", .flags = SCHEMA_REQUIRED,
                 .min = 1, .max = 128),
    SCHEMA_FIELD(struct part_spec, backend, "backendRef", OBJECT, "Who is asked.",
                 .flags = SCHEMA_REQUIRED, .object = &schema_ref_backend),
    SCHEMA_FIELD(struct part_spec, method, "method", ENUM, "How.", .choices = methods,
                 .fallback = 0),
    SCHEMA_FIELD(struct part_spec, path, "path", STRING,
                 "The path, with a query where one is needed. A value that the request lacks, and "
                 "that has no default, makes the part fail. " TEMPLATE_DOC,
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 2048),
    SCHEMA_FIELD(struct part_spec, body, "body", STRING,
                 "With POST: the JSON that is sent, with the same values, which stand inside "
                 "strings.",
                 .max = 16384),
    SCHEMA_FIELD(struct part_spec, forward, "forwardHeaders", LIST,
                 "Headers of the request that this service is shown, such as Authorization; no "
                 "others are, but traceparent and tracestate.",
                 .max = 32, .element = &header_element),
    SCHEMA_FIELD(struct part_spec, pick, "pick", STRING,
                 "What of the service's answer is taken: data.items, items[0]. Left out: all.",
                 .min = 1, .max = 1024),
    SCHEMA_FIELD(struct part_spec, fallback, "fallback", STRING,
                 "The JSON that stands there when the part fails.", .text = "null", .min = 1,
                 .max = 16384),
    SCHEMA_FIELD(struct part_spec, is_required, "required", BOOL,
                 "When this part fails, the whole answer is an error: 504 when it took too long, "
                 "400 when the request lacks a value, else 502."),
    SCHEMA_FIELD(struct part_spec, timeout_ms, "timeout", DURATION,
                 "How long the service may take, from 1ms to 1m.", .fallback = 5000),
    SCHEMA_FIELD(struct part_spec, max_body, "maxBody", QUANTITY,
                 "How long its answer may be; all parts together may have 4Mi.", .min = 1000,
                 .fallback = INT64_C(1000) * 65536),
    {0},
};

static void check_part(struct schema_run *run, const struct doc *node, void *value)
{
    const struct part_spec *s = value;
    if (s->timeout_ms < 1 || s->timeout_ms > 60000)
        schema_error(run, node, "timeout", "must be from 1ms to 1m");
    if (s->max_body < 1000 || s->max_body > INT64_C(1000) * PARTS_BYTES_MAX)
        schema_error(run, node, "maxBody", "must be from 1 to 4Mi");
    if (s->body.ptr && !s->method)
        schema_error(run, node, "body", "needs method: POST");
}

static const struct schema part_schema = {
    .name = "AggregatePart",
    .doc = "A part of the answer, and who knows it.",
    .size = sizeof(struct part_spec),
    .fields = part_fields,
    .check = check_part,
};
static const struct schema_field part_element = {.type = SCHEMA_INLINE, .object = &part_schema};

static const char *const metadatas[] = {"Partial", "Always", NULL};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct parts_spec, parts, "parts", LIST,
                 "The parts. All services are asked at once.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = PARTS_MAX, .element = &part_element),
    SCHEMA_FIELD(struct parts_spec, partial_status, "partialStatus", INT,
                 "The status when a part failed.", .min = 200, .max = 299, .fallback = 206),
    SCHEMA_FIELD(struct parts_spec, metadata_field, "metadataField", STRING,
                 "The member that says which parts failed.", .text = "_metadata", .min = 1,
                 .max = 128),
    SCHEMA_FIELD(struct parts_spec, metadata, "metadata", ENUM,
                 "When there is one: Partial, when a part failed, or Always.",
                 .choices = metadatas, .fallback = PARTS_METADATA_PARTIAL),
    {0},
};

const struct schema parts_spec_schema = {
    .name = "Aggregate",
    .doc = "An answer in JSON that is put together from those of several services.",
    .size = sizeof(struct parts_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

static struct slice member_of(struct arena *a, struct slice name)
{
    struct slice quoted = json_tree_quote(a, name);
    return arena_printf(a, "%.*s:", SLICE_ARG(quoted));
}

static void take_forward(struct arena *a, const struct schema_list *from, struct part *to)
{
    static const struct header always[] = {
        {.name = {"traceparent", 11}, .id = HEADER_TRACEPARENT},
        {.name = {"tracestate", 10}, .id = HEADER_OTHER},
    };
    enum { ALWAYS = sizeof(always) / sizeof(always[0]) };
    struct header *names = arena_zalloc(a, (from->count + ALWAYS) * sizeof(*names));
    to->forward = names;
    for (SCHEMA_EACH(*from, struct slice, name)) {
        struct header *h = &names[to->forward_count++];
        h->name = arena_copy_lower(a, *name);
        h->id = (uint16_t)header_id_of(h->name);
    }
    for (unsigned i = 0; i < ALWAYS; i++) {
        bool is_named = false;
        for (SCHEMA_EACH(*from, struct slice, name))
            is_named |= slice_eq_nocase(*name, always[i].name);
        names[to->forward_count] = always[i];
        names[to->forward_count].id = (uint16_t)header_id_of(always[i].name);
        to->forward_count += !is_named;
    }
}

static enum err take_texts(const struct filter_build *b, const struct part_spec *s, unsigned at,
                           struct part *to)
{
    const char *why = template_compile(b->arena, s->path, false, &to->path);
    if (why)
        return filter_refuse(b, "parts[%u].path: %s", at, why);
    if (s->path.ptr[0] != '/' && !slice_starts_with(s->path, SLICE("$(path)")))
        return filter_refuse(b, "parts[%u].path: must begin with / or $(path)", at);
    to->has_body = s->body.ptr != NULL;
    why = template_compile(b->arena, s->body.ptr ? s->body : SLICE(""), false, &to->body);
    if (why)
        return filter_refuse(b, "parts[%u].body: %s", at, why);
    bool is_path = !s->pick.ptr || json_path_make(b->arena, s->pick, &to->pick);
    if (!is_path || to->pick.has_each)
        return filter_refuse(b, "parts[%u].pick: must be a path to one place, like data.items or "
                                "items[0]", at);
    struct json_find find;
    json_find_init(&find, s->fallback, NULL);
    if (json_find_run(&find, s->fallback.len, &to->fallback) != JSON_FIND_FOUND)
        return filter_refuse(b, "parts[%u].fallback: is not JSON; a text stands in double quotes",
                             at);
    return ERR_OK;
}

static bool is_taken(const struct parts *c, struct slice field)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (slice_eq(c->items[i].field, field))
            return true;
    return false;
}

static enum err take_part(const struct filter_build *b, const struct part_spec *s, unsigned at,
                          struct part *to)
{
    *to = (struct part){
        .field = s->field,
        .member = member_of(b->arena, s->field),
        .cluster = s->backend->value,
        .method = slice_from_cstr(methods[s->method]),
        .is_required = s->is_required,
        .timeout_ms = (uint32_t)s->timeout_ms,
        .body_max = (uint32_t)(s->max_body / 1000),
    };
    take_forward(b->arena, &s->forward, to);
    return take_texts(b, s, at, to);
}

enum err parts_prepare(const struct filter_build *b, const struct parts_spec *s, struct parts *to)
{
    struct part *items = arena_zalloc(b->arena, s->parts.count * sizeof(*items));
    size_t bytes = 0;
    *to = (struct parts){.items = items,
                         .partial_status = (unsigned)s->partial_status,
                         .metadata = member_of(b->arena, s->metadata_field),
                         .always_metadata = s->metadata == PARTS_METADATA_ALWAYS};
    if (to->partial_status == 204 || to->partial_status == 205)
        return filter_refuse(b, "partialStatus: an answer with status %u has no body",
                             to->partial_status);
    for (SCHEMA_EACH(s->parts, struct part_spec, part)) {
        unsigned at = to->count;
        if (is_taken(to, part->field) || slice_eq(part->field, s->metadata_field))
            return filter_refuse(b, "parts[%u].field: \"%.*s\" is there already", at,
                                 SLICE_ARG(part->field));
        enum err e = take_part(b, part, at, &items[at]);
        if (e)
            return e;
        bytes += items[at].body_max;
        to->count++;
    }
    return bytes <= PARTS_BYTES_MAX
               ? ERR_OK
               : filter_refuse(b, "parts: their maxBody is more than 4Mi together");
}
