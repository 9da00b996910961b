/* Times as the API writes them: MicroTime, "2026-01-02T03:04:05.678000Z". Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#define KUBE_TIME_TEXT_MAX 40

/* From milliseconds since 1970, UTC; returns text. */
char *kube_time_text(int64_t ms, char text[KUBE_TIME_TEXT_MAX]);
