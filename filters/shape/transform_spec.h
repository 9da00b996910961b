/* What users write of a transform. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

enum transform_type { TRANSFORM_STRING, TRANSFORM_NUMBER, TRANSFORM_BOOLEAN, TRANSFORM_JSON };

struct transform_rename {
    struct slice from, to;
};

struct transform_value {
    struct slice name, value;
    int type; /* enum transform_type; of JSON bodies */
};

/* Of headers, of query parameters, of a body: in this order. */
struct transform_edits {
    struct schema_list remove;               /* struct slice */
    struct schema_list rename;               /* struct transform_rename */
    struct schema_list replace, add, append; /* struct transform_value */
    struct schema_list keep;                 /* struct slice; of a body */
};

enum transform_convert { TRANSFORM_KEEP, TRANSFORM_XML_TO_JSON, TRANSFORM_JSON_TO_XML };

struct transform_request_spec {
    struct slice method, path;
    struct transform_edits *headers, *query, *body;
    int convert; /* enum transform_convert */
};

struct transform_response_spec {
    struct transform_edits *headers, *body;
    int convert;
};

struct transform_when {
    struct slice header;
    struct slice exact, version_below; /* one of them */
};

enum transform_invalid { TRANSFORM_PASS, TRANSFORM_REJECT };

struct transform_spec {
    struct schema_list when; /* struct transform_when */
    struct transform_request_spec *request;
    struct transform_response_spec *response;
    int64_t max_body; /* thousandths of bytes */
    int on_invalid_body;
};

extern const struct schema transform_spec_schema;
