/* Which addresses lead beyond the machine that calls them. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"

/* False for those of this machine itself, of its link (where clouds answer for their metadata, and
 * where else they do), of everybody, and of nobody. */
bool addr_is_beyond(const struct addr *a);
