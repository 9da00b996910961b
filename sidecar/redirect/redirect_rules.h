/* The rules themselves, as input for iptables-restore --noflush. Pure: options and the current
 * state in, text out. Must not run anything.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "sidecar/redirect/redirect_options.h"

/* family: 4 or 6. saved: what iptables-save -t nat prints now; empty for a namespace without rules.
 * False, and nothing written, when everything is in place already. The text is one transaction. */
MUST_USE bool redirect_rules_apply(const struct redirect_options *o, unsigned family,
                                   struct slice saved, struct buf *out);
/* False when there is nothing of ours. */
MUST_USE bool redirect_rules_remove(struct slice saved, struct buf *out);
