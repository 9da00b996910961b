/* weftctl config: the compiled configuration of a workload or gateway.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0 printed, 2 wrong use, or there is no such workload. */
int config_show_run(int argc, char **argv);
