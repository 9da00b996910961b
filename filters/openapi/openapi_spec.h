/* What users write of the filter openapi.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema_ref.h"

enum { OPENAPI_MODE_ENFORCE, OPENAPI_MODE_WARN };
enum { OPENAPI_RESPONSES_IGNORE, OPENAPI_RESPONSES_WARN, OPENAPI_RESPONSES_ENFORCE };
enum { OPENAPI_UNKNOWN_REFUSE, OPENAPI_UNKNOWN_PASS };

struct openapi_spec {
    struct slice text, base_path;
    struct schema_ref *config_map;
    int mode, unknown, responses;
    bool path, query, headers, cookies, body, only_known_query, verbose, formats;
    int64_t status, max_body;
};

extern const struct schema openapi_schema;
