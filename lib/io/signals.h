/* Process signals as callbacks on one loop, on its thread. One per process. Must not know what a
 * signal means to the program.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct loop;
struct signals;

typedef void (*signals_fn)(void *owner, int signal_number);

/* Catches SIGTERM, SIGINT, SIGHUP, SIGUSR1; ignores SIGPIPE for the process. */
struct signals *signals_open(struct loop *l, signals_fn on_signal, void *owner);
/* From now on the same signals are ignored: the program is ending anyway, and a second SIGTERM must
 * not make its end look like a failure. */
void signals_close(struct signals *s);
