/* headerMutation: headers of requests and responses are removed, set and added, as the Gateway
 * API's RequestHeaderModifier and ResponseHeaderModifier say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "filters/filter.h"
#include "filters/route_filters.h"
#include "lib/codec/http/header_fold.h"
#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

static const struct schema_field value_fields[] = {
    SCHEMA_FIELD(struct header_filter_value, name, "name", STRING, "Name of the header.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct header_filter_value, value, "value", STRING, "Its value.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 4096,
                 .format = &schema_format_header_value),
    {0},
};

static const struct schema value_schema = {
    .name = "HTTPHeader",
    .doc = "A header.",
    .size = sizeof(struct header_filter_value),
    .fields = value_fields,
};

static const struct schema_field value_element = {.type = SCHEMA_INLINE, .object = &value_schema};
static const struct schema_field name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_mutable_header};

static const struct schema_field header_filter_fields[] = {
    SCHEMA_FIELD(struct header_filter, set, "set", LIST,
                 "Headers to set, instead of what is there.", .max = 16,
                 .element = &value_element),
    SCHEMA_FIELD(struct header_filter, add, "add", LIST, "Headers to add to what is there.",
                 .max = 16, .element = &value_element),
    SCHEMA_FIELD(struct header_filter, remove, "remove", LIST, "Names of headers to remove.",
                 .max = 16, .element = &name_element),
    {0},
};

struct seen {
    struct slice names[48]; /* 16 of each list */
    size_t count;
};

static void see(struct schema_run *run, const struct doc *node, struct seen *seen,
                struct slice name, const char *list, size_t at)
{
    char where[48];
    snprintf(where, sizeof where, "%s[%zu]", list, at);
    for (size_t i = 0; name.len && i < seen->count; i++) {
        if (slice_eq_nocase(seen->names[i], name)) {
            schema_error(run, node, where, "\"%.*s\" is named twice: one action for each header",
                         SLICE_ARG(name));
            return;
        }
    }
    seen->names[seen->count++] = name;
}

static void check_header_filter(struct schema_run *run, const struct doc *node, void *value)
{
    const struct header_filter *f = value;
    struct seen seen = {0};
    for (size_t i = 0; i < f->set.count; i++)
        see(run, node, &seen, SCHEMA_AT(f->set, struct header_filter_value, i)->name, "set", i);
    for (size_t i = 0; i < f->add.count; i++)
        see(run, node, &seen, SCHEMA_AT(f->add, struct header_filter_value, i)->name, "add", i);
    for (size_t i = 0; i < f->remove.count; i++)
        see(run, node, &seen, *SCHEMA_AT(f->remove, struct slice, i), "remove", i);
}

const struct schema header_filter_schema = {
    .name = "HTTPHeaderFilter",
    .doc = "Changes to headers.",
    .size = sizeof(struct header_filter),
    .fields = header_filter_fields,
    .check = check_header_filter,
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct header_mutation_spec, request, "request", OBJECT,
                 "Changes to the request's headers.", .object = &header_filter_schema),
    SCHEMA_FIELD(struct header_mutation_spec, response, "response", OBJECT,
                 "Changes to the response's headers.", .object = &header_filter_schema),
    {0},
};

static const struct schema spec_schema = {
    .name = "HeaderMutation",
    .doc = "Changes to headers on the way there and back.",
    .size = sizeof(struct header_mutation_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct item {
    struct slice name; /* lower-case */
    struct slice value;
    uint16_t id; /* enum header_id */
};

/* Removed first, then set, then added. */
struct mutation {
    const struct item *remove, *set, *add;
    uint32_t remove_count, set_count, add_count;
};

struct conf {
    struct mutation request, response;
};

static struct item item_of(struct arena *arena, struct slice name, struct slice value)
{
    struct item item = {.name = arena_copy_lower(arena, name), .value = value};
    item.id = (uint16_t)header_id_of(item.name);
    return item;
}

static const struct item *take_values(struct arena *arena, const struct schema_list *from,
                                      uint32_t *count)
{
    struct item *items = arena_zalloc(arena, from->count * sizeof(*items));
    for (SCHEMA_EACH(*from, struct header_filter_value, v))
        items[(*count)++] = item_of(arena, v->name, v->value);
    return items;
}

static void take_mutation(struct arena *arena, const struct header_filter *from,
                          struct mutation *to)
{
    if (!from)
        return;
    struct item *remove = arena_zalloc(arena, from->remove.count * sizeof(*remove));
    for (SCHEMA_EACH(from->remove, struct slice, name))
        remove[to->remove_count++] = item_of(arena, *name, SLICE(""));
    to->remove = remove;
    to->set = take_values(arena, &from->set, &to->set_count);
    to->add = take_values(arena, &from->add, &to->add_count);
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct header_mutation_spec *s = spec;
    struct conf *c = conf;
    take_mutation(b->arena, s->request, &c->request);
    take_mutation(b->arena, s->response, &c->response);
    return ERR_OK;
}

static void describe_items(struct arena *arena, struct slice *to, const char *verb,
                           const struct item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        *to = arena_printf(arena, "%.*s%s%s %.*s%s%.*s", SLICE_ARG(*to), to->len ? ", " : "", verb,
                           SLICE_ARG(items[i].name), items[i].value.len ? ": " : "",
                           SLICE_ARG(items[i].value));
}

static struct slice describe_mutation(struct arena *arena, const struct mutation *m)
{
    struct slice text = SLICE("");
    describe_items(arena, &text, "remove", m->remove, m->remove_count);
    describe_items(arena, &text, "set", m->set, m->set_count);
    describe_items(arena, &text, "add", m->add, m->add_count);
    return text;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    struct slice request = describe_mutation(arena, &c->request);
    struct slice response = describe_mutation(arena, &c->response);
    return arena_printf(arena, "%s%.*s%s%s%.*s", request.len ? "request headers: " : "",
                        SLICE_ARG(request), request.len && response.len ? "; " : "",
                        response.len ? "response headers: " : "", SLICE_ARG(response));
}

/* ---- hooks ---- */

static void remove_item(struct headers *h, const struct item *item)
{
    if (item->id == HEADER_OTHER)
        headers_remove(h, item->name);
    else
        headers_remove_id(h, item->id);
}

static void set_item(struct headers *h, const struct item *item)
{
    if (item->id == HEADER_OTHER)
        headers_set(h, item->name, item->value);
    else
        headers_set_id(h, item->id, item->value);
}

static void add_item(struct headers *h, const struct item *item)
{
    if (item->id == HEADER_OTHER)
        headers_add(h, item->name, item->value);
    else
        headers_add_id(h, item->id, item->value);
}

/* What is set or removed here must not reach the app in another spelling. */
static void remove_disguises(struct headers *h, const struct item *items, uint32_t count)
{
    for (uint32_t i = h->count; i-- > 0;) {
        struct slice name = h->items[i].name;
        if (!header_fold_is_odd(name))
            continue;
        for (uint32_t j = 0; j < count; j++) {
            if (!header_fold_eq(name, items[j].name) || slice_eq(name, items[j].name))
                continue;
            headers_remove(h, name);
            i = i < h->count ? i : h->count;
            break;
        }
    }
}

static void mutate(const struct mutation *m, struct headers *headers)
{
    for (uint32_t i = 0; i < m->remove_count; i++)
        remove_item(headers, &m->remove[i]);
    for (uint32_t i = 0; i < m->set_count; i++)
        set_item(headers, &m->set[i]);
    for (uint32_t i = 0; i < m->add_count; i++)
        add_item(headers, &m->add[i]);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct mutation *m = &((const struct conf *)conf)->request;
    struct headers *headers = &x->request->headers;
    (void)ctx;
    if (x->has_odd_names) {
        remove_disguises(headers, m->remove, m->remove_count);
        remove_disguises(headers, m->set, m->set_count);
    }
    mutate(m, headers);
    return FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)ctx;
    mutate(&((const struct conf *)conf)->response, &x->response->headers);
    return FILTER_NEXT;
}

const struct filter filter_header_mutation = {
    .name = "headerMutation",
    .doc = "Removes, sets and adds headers of requests and responses.",
    .phase = FILTER_PHASE_TRANSFORM,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .sees_every_answer = true,
    .describe = describe,
    .is_pure = true,
};
