/* weft-sidecar wait: until the sidecar of this pod is ready. Runs instead of the data plane.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is "wait". The exit status. */
int wait_main(int argc, char **argv);
