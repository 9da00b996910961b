/* Hashes of texts as they are shown in labels, so that what looks alike counts as one. Pure; any
 * thread. Must not know which labels there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/series_hash.h"

static struct slice shown(struct slice text)
{
    return text.len ? slice_sub(text, 0, SERIES_HASH_TEXT_MAX) : SLICE("unknown");
}

uint64_t series_hash_mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (a >> 29)) * 0xbf58476d1ce4e5b9u + b;
    return x ^ (x >> 32);
}

/* Zero is for "not computed". */
uint64_t series_hash_texts(struct slice a, struct slice b, struct slice c)
{
    uint64_t hash = slice_hash(shown(a));
    hash = series_hash_mix(hash, slice_hash(shown(b)));
    hash = series_hash_mix(hash, slice_hash(shown(c)));
    return hash ? hash : 1;
}
