/* weftctl proxy-status: which data planes are connected, and are they up to date.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0 all have the newest, 1 some do not, 2 wrong use, or nobody to
 * ask. */
int proxy_status_run(int argc, char **argv);
