/* One line for each thing that was done or looked at: how it went, what it was, how to mend it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

enum step_result { STEP_OK, STEP_WARNING, STEP_FAILED, STEP_WAITING };

/* Onto stdout, in one line. */
void step_say(enum step_result result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "name: text", broken between words where a terminal ends (or $COLUMNS), then "fix: cure" in a
 * line of its own, never broken; cure may be empty. */
void step_tell(enum step_result result, const char *name, struct slice text, struct slice cure);
