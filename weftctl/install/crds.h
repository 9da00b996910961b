/* weftctl crds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

int crds_run(int argc, char **argv);
