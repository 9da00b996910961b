/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/claim_match.h"

#include <stdio.h>

#define SCALAR_MAX 32

const struct doc *claim_match_find(const struct doc *claims, const struct claim_path *path)
{
    const struct doc *d = claims;
    for (uint32_t i = 0; d && i < path->count; i++)
        d = doc_get(d, path->names[i]);
    return d;
}

bool claim_match_has_words(const struct claim_path *path)
{
    return path->count == 1 && (slice_eq_cstr(path->names[0], "scope") ||
                                slice_eq_cstr(path->names[0], "permission"));
}

static struct slice scalar_text(const struct doc *d, char room[SCALAR_MAX])
{
    if (d->type == DOC_STRING)
        return d->string;
    if (d->type == DOC_BOOL)
        return d->boolean ? SLICE("true") : SLICE("false");
    if (d->type == DOC_INT)
        return slice_of(room, (size_t)snprintf(room, SCALAR_MAX, "%lld", (long long)d->integer));
    return (struct slice){0};
}

static enum truth any_match(const struct string_match *patterns, uint32_t count,
                            struct slice value)
{
    enum truth t = TRUTH_NO;
    for (uint32_t i = 0; value.len && i < count && t != TRUTH_YES; i++)
        t = truth_or(t, match_string(&patterns[i], value));
    return t;
}

enum truth claim_match_any(const struct string_match *patterns, uint32_t count,
                           const struct doc *claim, bool has_words)
{
    char room[SCALAR_MAX];
    if (!claim)
        return TRUTH_NO;
    struct slice text = scalar_text(claim, room), word;
    enum truth t = any_match(patterns, count, text);
    while (has_words && slice_split(&text, ' ', &word))
        t = truth_or(t, any_match(patterns, count, word));
    for (size_t i = 0; claim->type == DOC_ARRAY && i < claim->count; i++)
        t = truth_or(t, any_match(patterns, count, scalar_text(claim->items[i], room)));
    return t;
}
