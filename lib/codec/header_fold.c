/* Folding of field names: what is neither a letter nor a digit becomes a hyphen. Names are in lower
 * case, as messages hold them. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/header_fold.h"

static inline bool is_kept(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static inline char fold(char c)
{
    return is_kept(c) ? c : '-';
}

bool header_fold_is_odd(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_kept(name.ptr[i]) && name.ptr[i] != '-')
            return true;
    return false;
}

bool header_fold_starts_with(struct slice name, struct slice prefix)
{
    if (name.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (fold(name.ptr[i]) != fold(prefix.ptr[i]))
            return false;
    return true;
}

bool header_fold_eq(struct slice a, struct slice b)
{
    return a.len == b.len && header_fold_starts_with(a, b);
}

enum header_id header_fold_id(struct slice name)
{
    char folded[32];
    if (name.len > sizeof(folded))
        return HEADER_OTHER;
    for (size_t i = 0; i < name.len; i++)
        folded[i] = fold(name.ptr[i]);
    return header_id_of(slice_of(folded, name.len));
}
