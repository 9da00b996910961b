/* Levenshtein's distance, one row at a time.
 * Pure. Must not know what the names are of.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/similar.h"

enum { NAME_MAX_LEN = 64, NEAR = 2 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned similar_distance(struct slice a, struct slice b)
{
    unsigned row[NAME_MAX_LEN + 1];
    if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < b.len; j++) {
            bool same = (a.ptr[i] | 0x20) == (b.ptr[j] | 0x20);
            unsigned above = row[j + 1];
            row[j + 1] = least(row[j] + 1, above + 1, diagonal + !same);
            diagonal = above;
        }
    }
    return row[b.len];
}

void similar_try(struct similar *s, struct slice candidate)
{
    unsigned d = similar_distance(s->wanted, candidate);
    bool is_near = d <= NEAR && d < candidate.len;
    if (!is_near || (s->best.ptr && d >= s->distance))
        return;
    s->best = candidate;
    s->distance = d;
}
