/* weftctl uninstall: Weft out of a cluster. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0 nothing of it is left, 1 something is, 2 wrong use. */
int uninstall_run(int argc, char **argv);
