/* certd as a whole.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct options;

/* Serves until SIGTERM or SIGINT; returns the exit status. */
int certd_serve(const struct options *options);
/* "token create": prints a token; returns the exit status. */
int certd_create_token(const struct options *options);
