/* cmocka and what it wants before it, and comparisons that it lacks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/slice.h"

static inline void assert_slice(struct slice got, const char *want)
{
    if (!slice_eq_cstr(got, want))
        fail_msg("got \"%.*s\", want \"%s\"", SLICE_ARG(got), want);
}
