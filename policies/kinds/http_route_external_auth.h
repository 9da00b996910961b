/* The filter ExternalAuth of an HTTPRoute (GEP-1494): a service decides.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"
#include "policies/kinds/route.h"

struct http_route_auth_grpc {
    struct schema_list allowed_headers; /* struct slice; none: all are shown */
};

struct http_route_auth_http {
    struct slice path;
    struct schema_list allowed_headers;          /* struct slice; besides those always shown */
    struct schema_list allowed_response_headers; /* struct slice; none: all go to the backend */
};

struct http_route_auth_body {
    int64_t max; /* bytes; 0: it is not shown */
};

struct http_route_external_auth {
    int protocol;                  /* enum ext_auth_protocol */
    struct route_backend *backend; /* never NULL in a valid object */
    struct http_route_auth_grpc *grpc;
    struct http_route_auth_http *http;
    struct http_route_auth_body *body;
};

extern const struct schema http_route_external_auth_schema;
