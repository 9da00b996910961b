/* How a loop gives its closed mailboxes back at its own end. On the loop's thread. Must not be
 * included outside lib/io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/list.h"

/* node: as linked into loop.closed_mailboxes. */
void mailbox_free(struct list *node);
