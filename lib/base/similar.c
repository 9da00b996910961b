/* The distance of two names, and the nearest of many names by it. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/similar.h"

#include <stdbool.h>

enum { NAME_MAX_LEN = 63 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

static bool is_same(struct slice a, size_t i, struct slice b, size_t j)
{
    return (a.ptr[i - 1] | 0x20) == (b.ptr[j - 1] | 0x20);
}

/* Optimal string alignment: three rows of its table. */
unsigned similar_distance(struct slice a, struct slice b)
{
    unsigned rows[3][NAME_MAX_LEN + 1];
    if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] = least(row[j - 1] + 1, above[j] + 1, above[j - 1] + !is_same(a, i, b, j));
            if (i > 1 && j > 1 && is_same(a, i, b, j - 1) && is_same(a, i - 1, b, j))
                row[j] = least(row[j], before[j - 2] + 1, row[j]);
        }
    }
    return rows[a.len % 3][b.len];
}

/* A slip in a short name is as likely another name. */
static unsigned limit_of(size_t len)
{
    return len < 3 ? 0 : len < 5 ? 1 : 2;
}

struct similar similar_to(struct slice wanted)
{
    return (struct similar){.wanted = wanted, .distance = limit_of(wanted.len) + 1};
}

void similar_try(struct similar *s, struct slice name)
{
    size_t longer = s->wanted.len > name.len ? s->wanted.len : name.len;
    size_t shorter = s->wanted.len + name.len - longer;
    if (longer - shorter >= s->distance)
        return;
    unsigned d = similar_distance(s->wanted, name);
    if (d >= s->distance || d >= name.len)
        return;
    s->distance = d;
    s->best = name;
}
