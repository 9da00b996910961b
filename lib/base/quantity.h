/* Quantities of Kubernetes, "100m" or "1.5Gi", in thousandths. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

#define QUANTITY_TEXT_MAX 32

/* Digits, up to fifteen, with at most one point, and a suffix up to Ti or an exponent of ten; what
 * is finer than a thousandth is left out. ERR_SYNTAX, or ERR_LIMIT for what is too large. */
MUST_USE enum err quantity_parse(struct slice text, int64_t *thousandths);
/* The shortest of "250m", "2", "64Ki", "128Mi"; returns text. */
const char *quantity_format(int64_t thousandths, char text[QUANTITY_TEXT_MAX]);
