/* The digest of what a data plane has, so that both ends of a stream can tell that they agree.
 * Pure; any thread. Must not know who asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/discovery.h"

uint64_t discovery_digest_part(struct slice name, uint64_t version)
{
    uint64_t mixed = slice_hash(name) ^ (version * UINT64_C(0x9e3779b97f4a7c15));
    return mixed ^ (mixed >> 29);
}
