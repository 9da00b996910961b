/* Segments are looked at decoded once, as the server behind will.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/good_path.h"

#include "lib/base/percent.h"
#include "lib/codec/http/message.h"
#include "lib/codec/http/normalize.h"

bool good_path(struct arena *a, struct slice path)
{
    const struct normalize_readings *others = NULL;
    if (!path.len || path.ptr[0] != '/' || !message_path_is_valid(path))
        return false;
    struct slice canonical = normalize_path_readings(a, path, &others);
    struct slice rest = path, part;
    while (slice_split(&rest, '/', &part)) {
        char decoded[8];
        if (part.len > 6)
            continue;
        struct slice plain = percent_decode(part, decoded);
        if (slice_eq_cstr(plain, ".") || slice_eq_cstr(plain, ".."))
            return false;
    }
    return canonical.len > 0;
}
