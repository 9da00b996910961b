/* Regular expressions that a filter's configuration has and that go with it: searched for anywhere
 * in a value, in any case of letters. Immutable; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "lib/codec/text/regex.h"

struct pattern_set; /* numbered from 0, in the order in which they were given */

/* For prepare, at most once. lists: of struct slice. One that is none: ERR_INVALID, with the
 * reason written. */
enum err pattern_set_make(const struct filter_build *b, const struct schema_list *const *lists,
                          size_t list_count, const struct pattern_set **out);
/* Is any of `count` patterns from `first` on in the text? REGEX_ERROR: none is, but one could not
 * be tried to its end. */
enum regex_result pattern_set_find(const struct pattern_set *set, size_t first, size_t count,
                                   struct slice text);
