/* The annotations of a pod that are about its sidecar, checked. Whatever cannot be used refuses the
 * pod: a typo must not turn into traffic that goes where nobody expects it. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/codec/doc/doc.h"

#define INJECT_PREFIX "weft.dev/"

enum inject_option_id {
#define X(id, name, format, fallback, what) INJECT_##id,
#include "lib/inject/inject_option.def"
#undef X
    INJECT_OPTION_COUNT
};

struct inject_option_row {
    const char *name; /* with the prefix */
    const char *fallback, *what;
    bool (*is_valid)(struct slice value);
    const char *must_be;
};

extern const struct inject_option_row inject_option_rows[INJECT_OPTION_COUNT];

/* Who may say what an option is. A nearer one is asked first. */
enum inject_option_owner {
    INJECT_BY_POD,
    INJECT_BY_NAMESPACE,
    INJECT_BY_MESH,
    INJECT_OWNER_COUNT,
    INJECT_BY_NOBODY = INJECT_OWNER_COUNT,
};

struct inject_options {
    struct slice value[INJECT_OPTION_COUNT]; /* empty: not said */
    enum inject_option_owner owner[INJECT_OPTION_COUNT];
};

/* said: objects of annotations, of each owner; may be NULL. native: what native-sidecar is when it
 * is not said. ERR_INVALID, with a sentence in *why. */
MUST_USE enum err inject_option_read(const struct doc *const said[INJECT_OWNER_COUNT], bool native,
                                     struct arena *arena, struct inject_options *out,
                                     struct slice *why);
/* One annotation of whoever sets defaults for others. ERR_NOT_FOUND: it is no option;
 * ERR_INVALID: *must_be says what its value is not. */
MUST_USE enum err inject_option_check(struct slice name, struct slice value,
                                      const char **must_be);
static inline bool inject_option_is_said(const struct inject_options *o, enum inject_option_id id)
{
    return o->owner[id] != INJECT_BY_NOBODY;
}
/* What is wrong with an object of annotations that others inherit: a sentence for the at-th fault;
 * empty: no more. */
struct slice inject_option_fault(const struct doc *annotations, size_t at, struct arena *arena);
/* Annotations under our prefix that mean nothing to anybody: the name of the at-th; empty: no more.
 */
struct slice inject_option_unknown(const struct doc *annotations, size_t at);
static inline bool inject_option_is(const struct inject_options *o, enum inject_option_id id,
                                    const char *word)
{
    return slice_eq_cstr(o->value[id], word);
}
