/* The table of the CORS filter, for every HTTPRoute that has one. Control thread.
 * Must not know how a preflight is answered.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_route_cors.h"

#include "lib/schema/schema_format.h"

static const struct schema_field origin_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 253, .format = &schema_format_origin};
static const struct schema_field name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_header_name};
static const struct schema_field method_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 16, .format = &schema_format_method};

static const struct schema_field cors_fields[] = {
    SCHEMA_FIELD(struct http_route_cors, origins, "allowOrigins", LIST,
                 "Origins whose pages may read the answers; \"*\": all.", .max = 64,
                 .element = &origin_element),
    SCHEMA_FIELD(struct http_route_cors, credentials, "allowCredentials", BOOL,
                 "Also with cookies and the like."),
    SCHEMA_FIELD(struct http_route_cors, methods, "allowMethods", LIST,
                 "Methods they may use besides GET, HEAD and POST; \"*\": all.", .max = 9,
                 .element = &method_element),
    SCHEMA_FIELD(struct http_route_cors, headers, "allowHeaders", LIST,
                 "Request headers they may set; \"*\": all.", .max = 64, .element = &name_element),
    SCHEMA_FIELD(struct http_route_cors, expose, "exposeHeaders", LIST,
                 "Response headers they may see; \"*\": all, without credentials.", .max = 64,
                 .element = &name_element),
    SCHEMA_FIELD(struct http_route_cors, max_age, "maxAge", INT,
                 "How long browsers may keep the answer to a preflight, in seconds.", .min = 1,
                 .max = INT32_MAX, .fallback = 5),
    {0},
};

static void check_star(struct schema_run *run, const struct doc *node, const char *name,
                       const struct schema_list *list)
{
    for (SCHEMA_EACH(*list, struct slice, item))
        if (list->count > 1 && slice_eq_cstr(*item, "*"))
            schema_error(run, node, name, "\"*\" means all, and must stand alone");
}

static void check_cors(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_cors *c = value;
    check_star(run, node, "allowOrigins", &c->origins);
    check_star(run, node, "allowMethods", &c->methods);
    check_star(run, node, "allowHeaders", &c->headers);
}

const struct schema http_route_cors_schema = {
    .name = "HTTPCORSFilter",
    .doc = "Which pages of other origins may use this.",
    .size = sizeof(struct http_route_cors),
    .fields = cors_fields,
    .check = check_cors,
};
