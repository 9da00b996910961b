/* weftctl completion: for shells. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. Exit status: 0, or 2 for wrong use. */
int completion_run(int argc, char **argv);
