/* Runs one command of the system with text as its input, and collects what it says. Blocking; for
 * `weft-sidecar redirect` only. Must not know what it runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct redirect_run {
    int status;         /* exit status; 128 + n when a signal ended it */
    char *out, *errors; /* NUL-terminated */
};

/* argv[0] is looked up in PATH, then in the folders for system programs. ERR_NOT_FOUND when it is
 * nowhere; then there is nothing to dispose. */
MUST_USE enum err redirect_run_command(struct redirect_run *r, const char *const *argv,
                                       struct slice input);
void redirect_run_dispose(struct redirect_run *r);
