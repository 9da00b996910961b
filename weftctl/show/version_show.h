/* weftctl version. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0, 1 the cluster could not be asked, 2 wrong use. */
int version_show_run(int argc, char **argv);
