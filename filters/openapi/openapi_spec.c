/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/openapi/openapi_spec.h"

#include "filters/chain.h"
#include "lib/schema/schema_format.h"

static const char *const modes[] = {
    [OPENAPI_MODE_ENFORCE] = "Enforce", [OPENAPI_MODE_WARN] = "Warn", NULL};
static const char *const unknowns[] = {
    [OPENAPI_UNKNOWN_REFUSE] = "Refuse", [OPENAPI_UNKNOWN_PASS] = "Pass", NULL};
static const char *const response_modes[] = {[OPENAPI_RESPONSES_IGNORE] = "Ignore",
                                             [OPENAPI_RESPONSES_WARN] = "Warn",
                                             [OPENAPI_RESPONSES_ENFORCE] = "Enforce",
                                             NULL};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct openapi_spec, text, "document", STRING,
                 "The document, OpenAPI 3.0 or 3.1, as JSON or YAML. It must be whole: other "
                 "documents are not fetched.",
                 .min = 2, .max = 1 << 20),
    SCHEMA_FIELD(struct openapi_spec, config_map, "documentRef", OBJECT,
                 "A value of a ConfigMap that holds the document.",
                 .object = &schema_ref_config_map),
    SCHEMA_FIELD(struct openapi_spec, base_path, "basePath", STRING,
                 "What stands before the paths of the document; when left out, the paths of its "
                 "`servers`.",
                 .min = 1, .max = 1024, .format = &schema_format_path),
    SCHEMA_FIELD(struct openapi_spec, mode, "mode", ENUM,
                 "Enforce: requests that do not conform are refused. Warn: they pass, and are "
                 "counted.",
                 .choices = modes),
    SCHEMA_FIELD(struct openapi_spec, unknown, "unknownOperations", ENUM,
                 "A path or method that the document does not have: Refuse (404, 405), or Pass.",
                 .choices = unknowns),
    SCHEMA_FIELD(struct openapi_spec, path, "checkPath", BOOL, "Parameters of the path.",
                 .fallback = true),
    SCHEMA_FIELD(struct openapi_spec, query, "checkQuery", BOOL, "Parameters of the query.",
                 .fallback = true),
    SCHEMA_FIELD(struct openapi_spec, headers, "checkHeaders", BOOL, "Headers of the request.",
                 .fallback = true),
    SCHEMA_FIELD(struct openapi_spec, cookies, "checkCookies", BOOL, "Cookies.", .fallback = true),
    SCHEMA_FIELD(struct openapi_spec, body, "checkBody", BOOL,
                 "The body of the request, and its Content-Type. JSON and "
                 "application/x-www-form-urlencoded are looked into; of other types only the "
                 "Content-Type counts.",
                 .fallback = true),
    SCHEMA_FIELD(struct openapi_spec, only_known_query, "onlyKnownQuery", BOOL,
                 "A query parameter that the operation does not have is refused, too."),
    SCHEMA_FIELD(
        struct openapi_spec, responses, "responses", ENUM,
        "Responses that do not conform, by status, headers and body: Ignore does not look; "
        "Warn counts them; Enforce answers 502 instead. Clients' Accept-Encoding is "
        "taken away where responses are looked at.",
        .choices = response_modes),
    SCHEMA_FIELD(struct openapi_spec, formats, "checkFormats", BOOL,
                 "`format` is checked: date-time, uuid, email, ipv4, int32 and so on.",
                 .fallback = true),
    SCHEMA_FIELD(struct openapi_spec, verbose, "verbose", BOOL,
                 "Clients are told what is wrong, and where."),
    SCHEMA_FIELD(struct openapi_spec, status, "status", INT,
                 "The status of requests that do not conform.", .min = 400, .max = 499,
                 .fallback = 400),
    SCHEMA_FIELD(struct openapi_spec, max_body, "maxBody", QUANTITY,
                 "How long a body may be that is looked into, at most 1Mi; a longer one is "
                 "refused (413). 1Mi when left out."),
    {0},
};

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct openapi_spec *s = value;
    if ((s->text.ptr != NULL) + (s->config_map != NULL) != 1)
        schema_error(run, node, NULL, "exactly one of document and documentRef must be given");
    if (s->max_body < 0 || s->max_body > INT64_C(1000) * FILTER_HOLD_MAX)
        schema_error(run, node, "maxBody", "must be from 1 to 1Mi");
}

static const struct schema_rule rules[] = {
    {"has(self.document) != has(self.documentRef)",
     "exactly one of document and documentRef must be given"},
    {0},
};

const struct schema openapi_schema = {
    .name = "OpenAPI",
    .doc = "Requests and responses must be what an OpenAPI document says.",
    .size = sizeof(struct openapi_spec),
    .fields = fields,
    .check = check_spec,
    .rules = rules,
};
