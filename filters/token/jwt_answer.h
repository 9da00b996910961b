/* The answers to requests whose token is missing or not good: 401 and 403 with a challenge
 * (RFC 6750 §3), in text or in JSON. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/jwt.h"

enum {
    JWT_FAIL_MISSING,
    JWT_FAIL_SEVERAL,
    JWT_FAIL_INVALID,
    JWT_FAIL_EXPIRED,
    JWT_FAIL_EARLY,
    JWT_FAIL_CLAIM,
    JWT_FAIL_SCOPE,
    JWT_FAIL_KEYS,
    JWT_FAIL_COUNT,
};

extern const struct fail_info jwt_fails[JWT_FAIL_COUNT];

/* All answer FILTER_REPLY. */
enum filter_verdict jwt_answer_missing(struct filter_exchange *x, const struct jwt_conf *c);
enum filter_verdict jwt_answer_several(struct filter_exchange *x, const struct jwt_conf *c);
enum filter_verdict jwt_answer_refuse(struct filter_exchange *x, const struct jwt_conf *c,
                                      const struct jwt_result *r);
