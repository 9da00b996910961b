/* Documents on their way into a store: without what nobody reads, copied where they stay, or made
 * up where what was given is not valid and decides access. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

/* The document without annotations that are not ours. Borrows from it. */
const struct doc *stored_doc_slim(struct arena *arena, const struct doc *root);
/* All of it, in the arena. */
const struct doc *stored_doc_copy(struct arena *arena, const struct doc *from);
/* What is in force where a document of that kind and name cannot be read: for kinds that decide
 * access, one that lets nobody through; NULL for others. */
const struct doc *stored_doc_closed(struct arena *arena, const struct kind *kind,
                                    const struct doc *root);
