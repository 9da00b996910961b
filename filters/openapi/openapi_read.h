/* Reading an OpenAPI document: what its parts share. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/openapi/openapi_document.h"

enum { OPENAPI_REFERENCES_MAX = 16, OPENAPI_BASES_MAX = 32 };

struct openapi_reading {
    const struct filter_build *b;
    struct openapi_document *d;
    struct arena *arena;
    const struct json_value *root;
    enum json_schema_dialect dialect;
    struct openapi_operation *operation; /* the one that is read */
};

/* ERR_INVALID, with the place. */
enum err openapi_read_refuse(const struct openapi_reading *r, const struct json_value *at,
                             const char *format, ...) __attribute__((format(printf, 3, 4)));
enum err openapi_read_refuse_with(const struct openapi_reading *r, const struct doc_error *error);
/* Where a Reference Object leads, or the value itself. NULL: refused. */
const struct json_value *openapi_read_follow(const struct openapi_reading *r,
                                             const struct json_value *v);
/* at may be NULL: there is none. */
enum err openapi_read_schema(const struct openapi_reading *r, const struct json_value *at,
                             const struct json_schema **out);

/* ---- openapi_read_parameter.c ---- */

/* What a parameter or header must be, whose name and place are known. */
enum err openapi_read_value(const struct openapi_reading *r, const struct json_value *v,
                            struct openapi_parameter *p);
/* Of an operation and its path. */
enum err openapi_read_parameters(const struct openapi_reading *r, const struct json_value *item,
                                 const struct json_value *operation);

/* ---- openapi_read.c ---- */

struct openapi_bases {
    struct slice items[OPENAPI_BASES_MAX];
    size_t count;
};

/* What stands before the paths; given: instead of what the document says. */
void openapi_read_bases(const struct openapi_reading *r, struct slice given,
                        struct openapi_bases *all);
