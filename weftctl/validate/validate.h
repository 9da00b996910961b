/* weftctl validate: is a folder of policies fit for use? SPDX-License-Identifier: GPL-3.0-or-later
 */
#pragma once

/* argv[0] is the verb. Exit status: 0 yes, 1 no, 2 wrong use. */
int validate_run(int argc, char **argv);
