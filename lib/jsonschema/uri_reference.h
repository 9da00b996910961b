/* References between documents (RFC 3986 §5). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/slice.h"

/* What `reference` means in a document at `base`, without a fragment; in the arena. */
struct slice uri_reference_resolve(struct arena *a, struct slice base, struct slice reference);
/* Behind '#', decoded; NULL ptr: there is none. */
struct slice uri_reference_fragment(struct arena *a, struct slice reference);
