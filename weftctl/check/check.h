/* weftctl check: can Weft be installed here, and if it is, does it work. `weftctl install` waits
 * with the same probes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/json_write.h"

struct api;

/* Runs the probes of these names, again and again, until none fails: prints a line for each; on the
 * way, what is still waited for, when that changes. False: not within the time; the failures were
 * printed. names: NULL-terminated. */
bool check_await(struct api *a, const char *const *names, uint32_t timeout_ms);
/* Everything, as a JSON array of {check, result, text, fix}; the number of failures. */
unsigned check_write(struct api *a, struct json_write *to);
