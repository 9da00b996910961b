/* Is there still an app in this pod? Its processes cannot be seen from another container, its
 * sockets can: the pod has one network namespace. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* True when a process other than this one has a TCP socket here that listens or is connected; also
 * when the kernel does not say. */
bool app_sockets_exist(void);
/* The same for one table in the form of /proc/net/tcp. `own`: the inodes of this process' sockets,
 * ascending. */
bool app_sockets_in_table(FILE *table, const uint64_t *own, size_t count);
