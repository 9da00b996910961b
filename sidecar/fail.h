/* Names and answers for everything that can go wrong on the road of a request; the table is
 * fail.def.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

enum fail {
#define X(name, http, grpc, flag, retryable, text) FAIL_##name,
#include "sidecar/fail.def"
#undef X
    FAIL_COUNT
};

struct fail_info {
    struct slice label; /* "connect_failed": for x-weft-reason and metrics */
    uint16_t http_status;
    uint16_t grpc_status;
    struct slice flag; /* "UF" */
    bool retryable;
    struct slice text; /* a sentence's worth */
};

const struct fail_info *fail_info(enum fail f);
