/* Making chains: from a specification's text to a filter's configuration, and from configurations
 * to a chain in the order of the phases. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

/* From text to the checked struct of f->spec, in b->arena. ERR_INVALID, with the reason in
 * b->detail. */
MUST_USE enum err filter_read(const struct filter *f, struct slice text,
                              const struct filter_build *b, const void **spec);
/* text: a specification as lib/schema/schema_write.h writes it. *conf lies in b->arena.
 * ERR_INVALID, with the reason in b->detail. */
MUST_USE enum err filter_prepare(const struct filter *f, struct slice text,
                                 const struct filter_build *b, const void **conf);

/* Sorts `count` entries and lays out their ctx; NULL for none. ERR_LIMIT: they are more than
 * FILTER_CHAIN_MAX. */
MUST_USE enum err filter_chain_make(struct arena *arena, const struct filter_entry *entries,
                                    size_t count, const struct filter_chain **out);
