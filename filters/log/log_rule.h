/* Which requests of a route are lines of the access log, and what these say: what users write, and
 * what is made of it. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/log/log_format.h"

enum log_form { LOG_FORM_INHERIT, LOG_FORM_TEXT, LOG_FORM_JSON, LOG_FORM_COMBINED, LOG_FORM_AWS };

struct log_spec {
    bool is_enabled;
    int form;
    struct slice text;
    struct schema_list json; /* struct schema_pair */
    struct schema_list statuses;
    int64_t min_duration_ms;
    bool only_errors;
    int64_t sample; /* thousandths of a percent */
};

extern const struct schema log_spec_schema;

/* Immutable. */
struct log_rule {
    struct log_format format; /* without pieces: `form` says */
    enum log_form form;
    bool is_enabled, has_conditions, only_errors;
    uint64_t statuses[10]; /* bit: that one is logged */
    uint64_t min_duration_us; /* UINT64_MAX: however long it took */
    uint32_t sample;          /* of 100,000 */
};

MUST_USE enum err log_rule_prepare(const struct filter_build *b, const struct log_spec *s,
                                   struct log_rule *to);
/* random: any number, of which one is drawn for each request. is_error: it ended with a reason of
 * ours, a status from 400 on or none, or a failure of gRPC. */
bool log_rule_wants(const struct log_rule *r, unsigned status, uint64_t duration_us, bool is_error,
                    uint64_t random);
