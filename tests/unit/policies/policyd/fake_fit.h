/* A builder whose opinion is in the test's hand: fake_fit.c takes the place of fit_check_resource
 * in sidecar/fit. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A text; a resource that has it anywhere is refused. NULL: none is. */
extern const char *fake_fit_bad;
/* Resources that it was asked about. */
extern unsigned fake_fit_checks;
