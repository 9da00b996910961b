/* weftctl compile: what one data plane gets from a folder of policies.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0 printed, 1 the folder is not fit for use, 2 wrong use. */
int compile_show_run(int argc, char **argv);
