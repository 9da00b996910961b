/* fieldSelection: a client that needs little of a JSON response names it, ?fields=id,user.name, and
 * gets no more (as Google's partial responses and JSON:API's sparse fieldsets do).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/caller/credential_query.h"
#include "filters/chain.h"
#include "filters/shape/body_form.h"
#include "lib/codec/doc/json_path.h"

enum { FIELDS_MAX = 64 };

/* ---- what users write ---- */

struct field_selection_spec {
    struct slice parameter;
    bool passes;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct field_selection_spec, parameter, "parameter", STRING,
                 "The query parameter that names the fields.", .text = "fields", .min = 1,
                 .max = 64),
    SCHEMA_FIELD(struct field_selection_spec, passes, "forward", BOOL,
                 "The backend gets the parameter too; else it does not know of it.",
                 .fallback = 1),
    {0},
};

static const struct schema spec_schema = {
    .name = "FieldSelection",
    .doc = "A query parameter by which clients choose among the members of a JSON response; of "
           "lists, each item is looked at. At most 64 fields, and 1Mi of response: what is longer "
           "passes whole.",
    .size = sizeof(struct field_selection_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct slice parameter;
    bool passes;
};

struct ctx {
    struct json_path *paths;
    uint32_t count;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct field_selection_spec *s = spec;
    (void)b;
    *(struct conf *)conf = (struct conf){s->parameter, s->passes};
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "JSON responses are cut down to the fields that ?%.*s= names",
                        SLICE_ARG(c->parameter));
}

/* ---- hooks ---- */

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("fields_invalid"),
     .http_status = 400,
     .grpc_status = 3,
     .flag = FAIL_TEXT("DPE"),
     .is_public = true,
     .text = FAIL_TEXT("the parameter that names fields cannot be read")},
};

static bool read_fields(struct filter_exchange *x, struct slice text, struct ctx *own)
{
    struct slice one;
    own->paths = arena_alloc(x->arena, FIELDS_MAX * sizeof(*own->paths));
    while (slice_split(&text, ',', &one)) {
        one = slice_trim(one);
        if (!one.len)
            continue;
        if (own->count == FIELDS_MAX ||
            !json_path_make(x->arena, one, &own->paths[own->count++]))
            return false;
    }
    return true;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    struct credential_query found = {.count = 0};
    credential_query_find(x->arena, x->request->path, &c->parameter, 1, &found);
    if (!found.count)
        return FILTER_NEXT;
    *own = (struct ctx){NULL, 0};
    if (!read_fields(x, found.value, own)) {
        x->host->fail(x, &fails[0], (struct slice){0});
        own->count = 0;
        return FILTER_REPLY;
    }
    if (!c->passes)
        x->request->path =
            credential_query_remove(x->arena, x->request->path, &c->parameter, 1);
    return FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct ctx *own = ctx;
    struct message *m = x->response;
    struct slice body;
    bool is_whole;
    (void)conf;
    if (!own->count || x->is_answered_here || m->status / 100 != 2 ||
        body_form_of(m) != BODY_JSON || !body_form_is_complete(x->request, m) ||
        m->content_length > (int64_t)FILTER_HOLD_MAX)
        return FILTER_NEXT;
    if (!x->host->peek_response_body(x, FILTER_HOLD_MAX, &body, &is_whole))
        return FILTER_WAIT;
    struct json_node *root = is_whole ? json_tree_parse(x->arena, body) : NULL;
    if (!root)
        return FILTER_NEXT;
    json_path_keep(x->arena, root, own->paths, own->count);
    x->host->replace_response_body(x, json_tree_write(x->arena, root));
    body_form_changed(m);
    return FILTER_NEXT;
}

const struct filter filter_field_selection = {
    .name = "fieldSelection",
    .doc = "Cuts JSON responses down to the fields that the client asks for.",
    .phase = FILTER_PHASE_TRANSFORM,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .describe = describe,
    .is_pure = true,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
