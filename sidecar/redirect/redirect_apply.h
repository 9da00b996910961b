/* Puts the rules of redirect_rules into the kernel, by the system's own iptables, and takes them
 * out again. Blocking; says what it did on standard output and what went wrong on standard error.
 * Must not know what the rules mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/redirect/redirect_options.h"

/* Both return the exit status: 0, or 1 after a message. */
int redirect_apply(const struct redirect_options *o);
int redirect_apply_remove(void);
