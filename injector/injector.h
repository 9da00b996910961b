/* The injector as a whole.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct injector_options;

/* Serves until SIGTERM or SIGINT; returns the exit status. */
int injector_serve(const struct injector_options *options);
