/* weftctl reference.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

int reference_show_run(int argc, char **argv);
