/* Names and answers for everything that can go wrong on the road of a request: the table of
 * fail.def, and behind it what filters say of themselves.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

/* From FAIL_COUNT on: the failures of filters, in the order of filters.def. */
enum fail {
#define X(name, http, grpc, flag, text) FAIL_##name,
#include "filters/fail.def"
#undef X
    FAIL_COUNT
};

struct fail_info {
    struct slice label; /* "connect_failed": for x-weft-reason and metrics */
    uint16_t http_status;
    uint16_t grpc_status;
    struct slice flag; /* "UF" */
    struct slice text; /* a sentence's worth */
    /* The text is meant for clients and tells nothing of what lies behind: they read it also where
     * reasons are kept from them. */
    bool is_public;
    bool is_absence; /* of filters that authenticate: no credential was shown */
};

/* Of a row that a filter has of its own: .text = FAIL_TEXT("the body is too large"). */
#define FAIL_TEXT(literal) {"" literal, sizeof(literal) - 1}

const struct fail_info *fail_info(enum fail f);
/* The way back, for infos of this table and of filters. */
enum fail fail_of(const struct fail_info *info);
/* All there are: fail_info of every smaller one says something. */
unsigned fail_total(void);
