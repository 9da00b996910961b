/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/version_order.h"

enum { PARTS = 4 };

struct version {
    uint64_t parts[PARTS]; /* what is not said is 0 */
    struct slice pre;      /* behind '-'; empty: a release */
};

static bool read_version(struct slice text, struct version *out)
{
    struct slice part;
    unsigned count = 0;
    *out = (struct version){.pre = SLICE("")};
    if (text.len && (text.ptr[0] == 'v' || text.ptr[0] == 'V'))
        text = slice_sub(text, 1, text.len);
    text = slice_sub(text, 0, slice_find_byte(text, '+'));
    size_t dash = slice_find_byte(text, '-');
    if (dash < text.len)
        out->pre = slice_sub(text, dash + 1, text.len);
    struct slice rest = slice_sub(text, 0, dash);
    while (slice_split(&rest, '.', &part))
        if (count == PARTS || slice_to_u64(part, &out->parts[count++]))
            return false;
    return count > 0;
}

bool version_order_is_valid(struct slice text)
{
    struct version v;
    return read_version(text, &v);
}

int version_order_compare(struct slice a, struct slice b)
{
    struct version x, y;
    if (!read_version(a, &x) || !read_version(b, &y))
        return 0;
    for (unsigned i = 0; i < PARTS; i++)
        if (x.parts[i] != y.parts[i])
            return x.parts[i] < y.parts[i] ? -1 : 1;
    if (!x.pre.len != !y.pre.len)
        return x.pre.len ? -1 : 1;
    return slice_compare(x.pre, y.pre);
}
