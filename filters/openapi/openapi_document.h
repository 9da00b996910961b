/* An OpenAPI document (3.0 and 3.1), compiled: operations by path and method, what their parameters
 * and bodies must be, and what responses may be. Made on the control thread, immutable then.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "lib/jsonschema/json_schema.h"

#define OPENAPI_OPERATIONS_MAX 10000u
#define OPENAPI_SEGMENTS_MAX 64u /* of a path */
#define OPENAPI_WHY_MAX 512      /* of what is wrong with a request, with its NUL */

enum openapi_in { OPENAPI_PATH, OPENAPI_QUERY, OPENAPI_HEADER, OPENAPI_COOKIE };
enum openapi_style {
    OPENAPI_SIMPLE,
    OPENAPI_LABEL,
    OPENAPI_MATRIX,
    OPENAPI_FORM,
    OPENAPI_SPACE,
    OPENAPI_PIPE,
    OPENAPI_DEEP,
};

struct openapi_parameter {
    struct slice name; /* of a header: lower-case */
    enum openapi_in in;
    enum openapi_style style;
    bool explode, required, is_json;  /* is_json: `content` says so */
    const struct json_schema *schema; /* NULL: anything */
    struct slice prefix;              /* deepObject: "name[" */
};

struct openapi_media {
    struct slice type; /* lower-case, without parameters: "application/json", "text/[*]", … */
    const struct json_schema *schema; /* NULL: anything */
};

struct openapi_content {
    const struct openapi_media *items;
    size_t count;
};

struct openapi_response {
    int status; /* 200; 2: 2XX; 0: default */
    struct openapi_content content;
    const struct openapi_parameter *headers;
    size_t header_count;
};

struct openapi_operation {
    struct slice method;
    const struct openapi_parameter *parameters;
    size_t parameter_count;
    bool has_body, needs_body;
    struct openapi_content body;
    const struct openapi_response *responses;
    size_t response_count;
};

/* One template. */
struct openapi_path {
    struct slice template; /* "/pets/{id}" */
    struct slice *names;   /* of its parameters, in order */
    size_t name_count;
    const struct openapi_operation *operations;
    size_t operation_count;
    struct slice allow; /* its methods, for Allow */
};

struct openapi_node;

struct openapi_document {
    struct filter_keep keep; /* first */
    struct arena arena;
    struct json_schema_set *schemas;
    struct openapi_node *tree;
    size_t operation_count;
};

struct openapi_options {
    struct slice text;      /* JSON or YAML */
    struct slice base_path; /* instead of those of `servers`; NULL ptr: none */
    bool checks_formats;
};

/* NULL: refused, with the reason in b->detail. b holds it. */
struct openapi_document *openapi_document_make(const struct filter_build *b,
                                               const struct openapi_options *options);

/* ---- openapi_tree.c ---- */

/* False: the same template is there already. */
bool openapi_tree_add(struct arena *a, struct openapi_node **tree, struct slice base,
                      const struct openapi_path *path);
struct openapi_match {
    const struct openapi_path *path;
    struct slice values[OPENAPI_SEGMENTS_MAX]; /* of its parameters, still percent-encoded */
};
/* The most concrete template that a path matches. arena: for segments that are decoded. */
bool openapi_tree_find(const struct openapi_node *tree, struct arena *arena, struct slice path,
                       struct openapi_match *out);

/* ---- openapi_parameter.c ---- */

/* What is known of a request or response when its parameters are checked. */
struct openapi_input {
    struct arena *arena;
    enum json_schema_side side;
    const struct openapi_match *match;
    const struct headers *headers;
    struct slice query;
    char *why; /* [OPENAPI_WHY_MAX]: what is wrong */
};

/* in: bits of 1 << enum openapi_in, of those to be checked. False: why says what is wrong. */
bool openapi_parameters_check(const struct openapi_input *in,
                              const struct openapi_parameter *parameters, size_t count,
                              unsigned which);
/* Names of the query that no parameter has. False: there is one. */
bool openapi_query_is_known(const struct openapi_input *in,
                            const struct openapi_operation *operation);
/* A plain text as a value of the schema's type. */
const struct json_value *openapi_plain_value(struct arena *a, const struct json_schema *s,
                                             enum json_schema_side side, struct slice text);

/* ---- openapi_body.c ---- */

enum openapi_verdict { OPENAPI_GOOD, OPENAPI_BAD, OPENAPI_BAD_TYPE };

/* NULL: none is for that Content-Type. */
const struct openapi_media *openapi_media_find(const struct openapi_content *content,
                                               struct slice type);
/* Is it looked into? JSON and forms are. */
bool openapi_media_is_checked(const struct openapi_media *m, struct slice type);
/* why: [OPENAPI_WHY_MAX]. Any thread. */
bool openapi_body_check(struct arena *a, const struct openapi_media *m, enum json_schema_side side,
                        struct slice type, struct slice body, char *why);
/* What a check has found, in words. */
void openapi_explain(const struct json_schema_run *run, const char *what, struct slice name,
                     char *why);
