/* Kubernetes makes the plural of a kind's name by the rules of English, in small letters; CRDs
 * follow it. Pure. Must not know single kinds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/plural.h"

#include "lib/base/mem.h"

static bool is_vowel(char c)
{
    return memchr("aeiou", c, 5) != NULL;
}

/* Kinds whose name is a plural already. */
static bool is_plural(struct slice kind)
{
    return slice_eq_cstr(kind, "Endpoints") || slice_ends_with(kind, SLICE("Settings"));
}

char *plural_of(struct slice kind)
{
    char *small = mem_strndup(kind.ptr, kind.len), *plural;
    size_t n = kind.len;
    slice_lower(kind, small);
    if (n > 1 && small[n - 1] == 'y' && !is_vowel(small[n - 2]))
        plural = mem_printf("%.*sies", (int)(n - 1), small);
    else if (n && small[n - 1] == 's' && !is_plural(kind))
        plural = mem_printf("%ses", small);
    else
        plural = mem_printf("%s%s", small, n && small[n - 1] == 's' ? "" : "s");
    mem_free(small);
    return plural;
}
