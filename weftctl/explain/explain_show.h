/* weftctl explain: what becomes of a request, and why. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0 some endpoint takes it, 1 it does not get there, 2 wrong use,
 * or nothing can be said. */
int explain_show_run(int argc, char **argv);
