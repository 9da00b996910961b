/* weftctl check: can Weft be installed here, and if it is, does it work.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0 all is well, 1 it is not, 2 wrong use. */
int check_run(int argc, char **argv);
