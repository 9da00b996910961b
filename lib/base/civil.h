/* Dates and times of day (proleptic Gregorian calendar, UTC, no leap seconds), to and from
 * milliseconds since 1970. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct civil {
    unsigned year, month, day, hour, minute, second; /* month and day from 1 */
};

/* There is such a day and such a time. */
bool civil_is_valid(const struct civil *c);
int64_t civil_to_ms(const struct civil *c);
/* Rounds down to seconds. Before 1970 becomes 1970, after 9999 its last second. */
void civil_from_ms(int64_t ms, struct civil *c);
/* That many digits at the front of *s, which it loses; false where there are fewer. */
bool civil_take_number(struct slice *s, size_t digits, unsigned *out);
/* "2026-01-02T03:04:05Z", with or without a fraction of a second (RFC 3339 in UTC, as Kubernetes
 * writes it). ERR_SYNTAX for every other form. */
MUST_USE enum err civil_read(struct slice text, int64_t *ms);
