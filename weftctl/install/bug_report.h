/* weftctl bug-report: all that helps to see what is wrong, in one file, without secrets.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is the verb. */
int bug_report_run(int argc, char **argv);
