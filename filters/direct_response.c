/* directResponse: the answer is given here, and no backend is asked.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

struct direct_header {
    struct slice name, value;
};

struct direct_response_spec {
    int64_t status;
    struct schema_list headers; /* struct direct_header */
    struct slice body;
};

static const struct schema_field header_fields[] = {
    SCHEMA_FIELD(struct direct_header, name, "name", STRING, "Name of the header.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct direct_header, value, "value", STRING, "Its value.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 4096,
                 .format = &schema_format_header_value),
    {0},
};

static const struct schema header_schema = {
    .name = "DirectResponseHeader",
    .doc = "A header of the answer.",
    .size = sizeof(struct direct_header),
    .fields = header_fields,
};

static const struct schema_field header_element = {.type = SCHEMA_INLINE, .object = &header_schema};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct direct_response_spec, status, "status", INT, "The status of the answer.",
                 .min = 200, .max = 599, .fallback = 200),
    SCHEMA_FIELD(struct direct_response_spec, headers, "headers", LIST,
                 "Headers of the answer. Without a content-type it is text/plain.", .max = 32,
                 .element = &header_element),
    SCHEMA_FIELD(struct direct_response_spec, body, "body", STRING, "The body of the answer.",
                 .max = 65536),
    {0},
};

static const struct schema spec_schema = {
    .name = "DirectResponse",
    .doc = "An answer that needs no backend.",
    .size = sizeof(struct direct_response_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    unsigned status;
    struct slice body;
    const struct header *headers;
    uint32_t header_count;
    bool has_type;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct direct_response_spec *s = spec;
    struct conf *c = conf;
    struct header *headers = arena_zalloc(b->arena, s->headers.count * sizeof(*headers));
    *c = (struct conf){.status = (unsigned)s->status, .body = s->body, .headers = headers};
    for (SCHEMA_EACH(s->headers, struct direct_header, h)) {
        struct header *to = &headers[c->header_count++];
        *to = (struct header){.name = arena_copy_lower(b->arena, h->name), .value = h->value};
        to->id = (uint16_t)header_id_of(to->name);
        c->has_type |= to->id == HEADER_CONTENT_TYPE;
    }
    if (s->body.len && (s->status == 204 || s->status == 205 || s->status == 304))
        return filter_refuse(b, "an answer with status %d has no body", (int)s->status);
    return ERR_OK;
}

/* ---- hooks ---- */

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct message *m = x->host->reply(x, c->status, c->body);
    (void)ctx;
    if (c->body.len && !c->has_type)
        headers_add_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("text/plain; charset=utf-8"));
    for (uint32_t i = 0; i < c->header_count; i++) {
        struct header *h = headers_add(&m->headers, c->headers[i].name, c->headers[i].value);
        h->id = c->headers[i].id;
    }
    return FILTER_REPLY;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "answers %u with %zu bytes of its own; no backend is asked",
                        c->status, c->body.len);
}

const struct filter filter_direct_response = {
    .name = "directResponse",
    .doc = "Answers with a status, headers and a body of its own; no backend is asked.",
    .phase = FILTER_PHASE_ANSWER,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .is_pure = true,
};
