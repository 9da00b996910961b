/* One line for each thing that was done or looked at: how it went, what it was, a remark.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

enum step_result { STEP_OK, STEP_WARNING, STEP_FAILED };

/* Onto stdout. */
void step_say(enum step_result result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
