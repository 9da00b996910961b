/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/transform_spec.h"

#include "filters/shape/template.h"
#include "lib/schema/schema_format.h"

/* ---- edits ---- */

static const char *const types[] = {"String", "Number", "Boolean", "JSON", NULL};

#define NAME_DOC "Its name."
#define VALUE_DOC "Its new value. " TEMPLATE_DOC

static const struct schema_field header_value_fields[] = {
    SCHEMA_FIELD(struct transform_value, name, "name", STRING, "Name of the header.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct transform_value, value, "value", STRING, VALUE_DOC,
                 .flags = SCHEMA_REQUIRED, .max = 4096, .format = &schema_format_header_value),
    {0},
};

static const struct schema_field query_value_fields[] = {
    SCHEMA_FIELD(struct transform_value, name, "name", STRING,
                 "Name of the parameter, not encoded.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 256),
    SCHEMA_FIELD(struct transform_value, value, "value", STRING, VALUE_DOC,
                 .flags = SCHEMA_REQUIRED, .max = 4096),
    {0},
};

static const struct schema_field body_value_fields[] = {
    SCHEMA_FIELD(struct transform_value, name, "path", STRING,
                 "Where it is: user.name, items[0].price, items[*].price, [\"a.b\"].c. In a form: "
                 "the name of the parameter.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024),
    SCHEMA_FIELD(struct transform_value, value, "value", STRING, VALUE_DOC,
                 .flags = SCHEMA_REQUIRED, .max = 65536),
    SCHEMA_FIELD(struct transform_value, type, "type", ENUM,
                 "What it is in JSON: JSON is any value, without $(…). A value that is not of its "
                 "type changes nothing.",
                 .choices = types, .fallback = TRANSFORM_STRING),
    {0},
};

static const struct schema_field header_rename_fields[] = {
    SCHEMA_FIELD(struct transform_rename, from, "from", STRING, "Name of the header.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct transform_rename, to, "to", STRING,
                 "Its new name; a header that has it already is replaced.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    {0},
};

static const struct schema_field rename_fields[] = {
    SCHEMA_FIELD(struct transform_rename, from, "from", STRING, "Its name, or path.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024),
    SCHEMA_FIELD(struct transform_rename, to, "to", STRING,
                 "Its new name, or path; what is there already is replaced.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024),
    {0},
};

#define VALUE_SCHEMA(id, type_name, doc_text, rows)                                           \
    static const struct schema id##_schema = {.name = type_name,                              \
                                              .doc = doc_text,                                \
                                              .size = sizeof(struct transform_value),         \
                                              .fields = rows};                                \
    static const struct schema_field id##_element = {.type = SCHEMA_INLINE,                   \
                                                     .object = &id##_schema}

VALUE_SCHEMA(header_value, "TransformHeader", "A header.", header_value_fields);
VALUE_SCHEMA(query_value, "TransformParameter", "A query parameter.", query_value_fields);
VALUE_SCHEMA(body_value, "TransformMember", "A part of a body.", body_value_fields);

static const struct schema header_rename_schema = {.name = "TransformHeaderRename",
                                                   .doc = "A header and its new name.",
                                                   .size = sizeof(struct transform_rename),
                                                   .fields = header_rename_fields};
static const struct schema rename_schema = {.name = "TransformRename",
                                            .doc = "Something and its new name.",
                                            .size = sizeof(struct transform_rename),
                                            .fields = rename_fields};
static const struct schema_field header_rename_element = {.type = SCHEMA_INLINE,
                                                          .object = &header_rename_schema};
static const struct schema_field rename_element = {.type = SCHEMA_INLINE,
                                                   .object = &rename_schema};
static const struct schema_field header_name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_mutable_header};
static const struct schema_field name_element = {.type = SCHEMA_STRING, .min = 1, .max = 1024};

#define EDIT_FIELDS(names, renames, values)                                                     \
    SCHEMA_FIELD(struct transform_edits, remove, "remove", LIST, "Taken away, first of all.",   \
                 .max = 32, .element = &names),                                                 \
    SCHEMA_FIELD(struct transform_edits, rename, "rename", LIST, "Called otherwise.",           \
                 .max = 32, .element = &renames),                                               \
    SCHEMA_FIELD(struct transform_edits, replace, "replace", LIST,                              \
                 "New values of what is there.", .max = 32, .element = &values),                \
    SCHEMA_FIELD(struct transform_edits, add, "add", LIST, "Added where it is not there yet.",  \
                 .max = 32, .element = &values),                                                \
    SCHEMA_FIELD(struct transform_edits, append, "append", LIST,                                \
                 "Added to what is there already.", .max = 32, .element = &values)

static const struct schema_field header_edit_fields[] = {
    EDIT_FIELDS(header_name_element, header_rename_element, header_value_element), {0}};
static const struct schema_field query_edit_fields[] = {
    EDIT_FIELDS(name_element, rename_element, query_value_element), {0}};
static const struct schema_field body_edit_fields[] = {
    EDIT_FIELDS(name_element, rename_element, body_value_element),
    SCHEMA_FIELD(struct transform_edits, keep, "keep", LIST,
                 "At the end, all members of JSON are taken away that none of these paths leads "
                 "to. Of lists, each item is looked at.",
                 .max = 64, .element = &name_element),
    {0},
};

static const struct schema header_edits = {
    .name = "TransformHeaders",
    .doc = "Changes to headers, in this order.",
    .size = sizeof(struct transform_edits),
    .fields = header_edit_fields,
};
static const struct schema query_edits = {
    .name = "TransformQuery",
    .doc = "Changes to query parameters, in this order.",
    .size = sizeof(struct transform_edits),
    .fields = query_edit_fields,
};
static const struct schema body_edits = {
    .name = "TransformBody",
    .doc = "Changes to a body, in this order.",
    .size = sizeof(struct transform_edits),
    .fields = body_edit_fields,
};

/* ---- the two directions ---- */

static const char *const converts[] = {"None", "XMLToJSON", "JSONToXML", NULL};

#define CONVERT_DOC \
    "Another form of the body, before it is changed: XMLToJSON (attributes become members that " \
    "begin with @, text beside elements #text, and an element that is there several times a " \
    "list) or JSONToXML. "

static const struct schema_field request_fields[] = {
    SCHEMA_FIELD(struct transform_request_spec, method, "method", STRING,
                 "Another method.", .max = 32, .format = &schema_format_method),
    SCHEMA_FIELD(struct transform_request_spec, path, "path", STRING,
                 "Another path; the query stays. " TEMPLATE_DOC, .max = 1024),
    SCHEMA_FIELD(struct transform_request_spec, headers, "headers", OBJECT,
                 "Changes to headers.", .object = &header_edits),
    SCHEMA_FIELD(struct transform_request_spec, query, "query", OBJECT,
                 "Changes to query parameters.", .object = &query_edits),
    SCHEMA_FIELD(struct transform_request_spec, body, "body", OBJECT,
                 "Changes to a body that is JSON or a form (application/x-www-form-urlencoded); "
                 "any other passes as it is.",
                 .object = &body_edits),
    SCHEMA_FIELD(struct transform_request_spec, convert, "convert", ENUM, CONVERT_DOC,
                 .choices = converts, .fallback = TRANSFORM_KEEP),
    {0},
};

static const struct schema_field response_fields[] = {
    SCHEMA_FIELD(struct transform_response_spec, headers, "headers", OBJECT,
                 "Changes to headers.", .object = &header_edits),
    SCHEMA_FIELD(struct transform_response_spec, body, "body", OBJECT,
                 "Changes to a body that is JSON; any other passes as it is, and so does one that "
                 "is compressed.",
                 .object = &body_edits),
    SCHEMA_FIELD(struct transform_response_spec, convert, "convert", ENUM, CONVERT_DOC,
                 .choices = converts, .fallback = TRANSFORM_KEEP),
    {0},
};

static const struct schema request_schema = {
    .name = "TransformRequest",
    .doc = "What becomes of the request.",
    .size = sizeof(struct transform_request_spec),
    .fields = request_fields,
};
static const struct schema response_schema = {
    .name = "TransformResponse",
    .doc = "What becomes of the response.",
    .size = sizeof(struct transform_response_spec),
    .fields = response_fields,
};

/* ---- when ---- */

static const struct schema_field when_fields[] = {
    SCHEMA_FIELD(struct transform_when, header, "header", STRING, "A header of the request.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_header_name),
    SCHEMA_FIELD(struct transform_when, exact, "exact", STRING, "Its value is this.", .max = 4096),
    SCHEMA_FIELD(struct transform_when, version_below, "versionBelow", STRING,
                 "Its value is a version below this one: 1.10.3 is below 2.0.0. A request without "
                 "the header, or with another text in it, is not.",
                 .max = 64),
    {0},
};

static void check_when(struct schema_run *run, const struct doc *node, void *value)
{
    const struct transform_when *w = value;
    if (!w->exact.ptr == !w->version_below.ptr)
        schema_error(run, node, NULL, "needs one of exact and versionBelow");
}

static const struct schema when_schema = {
    .name = "TransformWhen",
    .doc = "A condition.",
    .size = sizeof(struct transform_when),
    .fields = when_fields,
    .check = check_when,
};
static const struct schema_field when_element = {.type = SCHEMA_INLINE, .object = &when_schema};

static const char *const invalids[] = {"Pass", "Reject", NULL};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct transform_spec, when, "when", LIST,
                 "All of these must hold; left out: for every request.", .max = 8,
                 .element = &when_element),
    SCHEMA_FIELD(struct transform_spec, request, "request", OBJECT, "Changes to the request.",
                 .object = &request_schema),
    SCHEMA_FIELD(struct transform_spec, response, "response", OBJECT,
                 "Changes to the response.", .object = &response_schema),
    SCHEMA_FIELD(struct transform_spec, max_body, "maxBody", QUANTITY,
                 "How long a body may be that is changed, at most 1Mi: a longer request is "
                 "answered 413, a longer response becomes 502.",
                 .min = 1000, .max = INT64_C(1048576000), .fallback = INT64_C(1048576000)),
    SCHEMA_FIELD(struct transform_spec, on_invalid_body, "onInvalidBody", ENUM,
                 "What becomes of a body that is not what its Content-Type says: Pass, as it is, "
                 "or Reject: a request is answered 400, a response becomes 502.",
                 .choices = invalids, .fallback = TRANSFORM_PASS),
    {0},
};

const struct schema transform_spec_schema = {
    .name = "Transform",
    .doc = "Changes to requests and responses.",
    .size = sizeof(struct transform_spec),
    .fields = fields,
};
