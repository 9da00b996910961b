/* `weft-sidecar redirect`: writes the iptables rules that lead a pod's connections through the
 * sidecar, then exits. Runs once per pod, before the app, with CAP_NET_ADMIN and CAP_NET_RAW; no
 * threads. Must not know the data plane.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* argv[0] is "redirect". Returns the exit status: 0, 1 (the system said no), 2 (bad arguments). */
int redirect_main(int argc, char **argv);
