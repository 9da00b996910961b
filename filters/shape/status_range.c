/* One status, a class of them, or a range.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/status_range.h"

bool status_range_read(struct slice text, uint64_t *from, uint64_t *to)
{
    size_t dash = slice_find_byte(text, '-');
    if (text.len == 3 && slice_eq_cstr(slice_sub(text, 1, 2), "xx")) {
        *from = (uint64_t)(text.ptr[0] - '0') * 100;
        *to = *from + 99;
    } else if (slice_to_u64(slice_sub(text, 0, dash), from)) {
        return false;
    } else if (dash == text.len) {
        *to = *from;
    } else if (slice_to_u64(slice_sub(text, dash + 1, text.len), to)) {
        return false;
    }
    return *from >= 100 && *to < 600 && *from <= *to;
}
