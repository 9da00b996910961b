/* The table of the RequestMirror filter. Control thread. Must not know whether the backend
 * exists.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_route_mirror.h"

static const struct schema_field backend_fields[] = {
    ROUTE_BACKEND_FIELDS,
    {0},
};

static const struct schema backend_schema = {
    .name = "BackendObjectReference",
    .doc = "Where copies go.",
    .size = sizeof(struct route_backend),
    .fields = backend_fields,
    .has_line = true,
    .line_offset = offsetof(struct route_backend, line),
    .check = route_backend_check,
};

static const struct schema_field fraction_fields[] = {
    SCHEMA_FIELD(struct http_route_fraction, numerator, "numerator", INT,
                 "Numerator of the fraction.", .flags = SCHEMA_REQUIRED, .min = 0,
                 .max = INT32_MAX),
    SCHEMA_FIELD(struct http_route_fraction, denominator, "denominator", INT,
                 "Denominator of the fraction.", .min = 1, .max = INT32_MAX, .fallback = 100),
    {0},
};

static void check_fraction(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_fraction *f = value;
    if (f->numerator > f->denominator)
        schema_error(run, node, "numerator", "must not be greater than denominator");
}

static const struct schema fraction_schema = {
    .name = "Fraction",
    .doc = "A part of all requests.",
    .size = sizeof(struct http_route_fraction),
    .fields = fraction_fields,
    .check = check_fraction,
};

static const struct schema_field mirror_fields[] = {
    SCHEMA_FIELD(struct http_route_mirror, backend, "backendRef", OBJECT, "Where copies go.",
                 .flags = SCHEMA_REQUIRED, .object = &backend_schema),
    SCHEMA_FIELD(struct http_route_mirror, percent, "percent", INT,
                 "Of how many requests in a hundred; all when left out.", .min = 0, .max = 100,
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct http_route_mirror, fraction, "fraction", OBJECT,
                 "Of how many requests, instead of percent.", .object = &fraction_schema),
    {0},
};

static void check_mirror(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_mirror *m = value;
    if (m->percent != SCHEMA_UNSET && m->fraction)
        schema_error(run, node, "fraction", "must be left out: percent is given");
}

const struct schema http_route_mirror_schema = {
    .name = "HTTPRequestMirrorFilter",
    .doc = "Sends copies of requests elsewhere; nobody waits for the answers.",
    .size = sizeof(struct http_route_mirror),
    .fields = mirror_fields,
    .check = check_mirror,
};
