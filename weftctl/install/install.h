/* weftctl install: Weft into a cluster. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0 it runs, 1 it does not, 2 wrong use. */
int install_run(int argc, char **argv);
