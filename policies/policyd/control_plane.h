/* policyd as a whole.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct policyd_options;

/* Serves until SIGTERM or SIGINT; returns the exit status. */
int control_plane_run(const struct policyd_options *options);
