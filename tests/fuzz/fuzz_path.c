/* Request paths: whatever comes in is refused or canonical, and a replaced prefix is never left by
 * dot segments. The first line is the path, the second a prefix, the third what replaces it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "filters/shape/path_modifier.h"
#include "lib/codec/http/match.h"
#include "lib/codec/http/normalize.h"

static void require(bool ok)
{
    if (!ok)
        abort();
}

static bool is_dots(struct slice s)
{
    return slice_eq(s, SLICE(".")) || slice_eq(s, SLICE(".."));
}

/* One leading slash, no empty or dot segment but the last, nothing that others would cut or fold.
 */
static void check_canonical(struct slice path)
{
    struct slice rest = slice_sub(path, 1, path.len), segment;
    require(path.ptr[0] == '/');
    require(slice_find_byte(path, ';') == path.len && slice_find_byte(path, '\\') == path.len);
    require(slice_find_byte(path, '\0') == path.len && slice_find_byte(path, '\n') == path.len);
    while (slice_split(&rest, '/', &segment))
        require(!is_dots(segment) && (segment.len > 0 || !rest.ptr));
}

/* All of them are paths, each is there once, and the canonical one is none of the others. */
static void check_readings(struct arena *arena, struct slice path, struct slice canonical)
{
    const struct normalize_readings *r;
    struct slice got = normalize_path_readings(arena, path, &r);
    require(got.len == 0 || slice_eq(got, canonical));
    for (uint32_t i = 0; r && i < r->count; i++) {
        require(i < NORMALIZE_READINGS_MAX && r->paths[i].len > 0 && r->paths[i].ptr[0] == '/');
        require(!slice_eq(r->paths[i], canonical));
        for (uint32_t j = 0; j < i; j++)
            require(!slice_eq(r->paths[i], r->paths[j]));
    }
}

/* Once canonical, always canonical, unless decoding brought bytes to light that mean more raw. */
static void check_idempotent(struct arena *arena, struct slice path)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '%' || c == '#')
            return;
    }
    require(slice_eq(normalize_path(arena, path), path));
}

/* The new path means the new prefix and, behind it, what stood behind the old one. */
static void check_replaced(struct arena *arena, struct slice raw, struct slice canonical,
                           struct slice prefix, struct slice value)
{
    struct path_modifier m = {PATH_REPLACE_PREFIX, value};
    struct filter_exchange x = {
        .arena = arena, .match_path = canonical, .matched_prefix = prefix};
    if (prefix.len == 0 || prefix.ptr[0] != '/' ||
        !slice_eq(normalize_path(arena, prefix), prefix) ||
        !match_path_prefix(prefix, canonical, false))
        return;
    if (value.len == 0 || value.ptr[0] != '/' || !slice_eq(normalize_path(arena, value), value) ||
        slice_find_byte(value, '%') < value.len)
        return;
    struct slice got = normalize_path(arena, path_modifier_apply(&m, &x, raw));
    require(got.len > 0 && match_path_prefix(value, got, false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice rest = {(const char *)data, len}, path = SLICE(""), prefix = SLICE(""),
                 value = SLICE("");
    struct arena arena;
    if (len > 4096)
        return 0;
    slice_split(&rest, '\n', &path);
    slice_split(&rest, '\n', &prefix);
    slice_split(&rest, '\n', &value);
    arena_init(&arena, 4096);
    struct slice canonical = normalize_path(&arena, path);
    check_readings(&arena, path, canonical);
    if (canonical.len && !slice_eq(canonical, SLICE("*"))) {
        check_canonical(canonical);
        check_idempotent(&arena, canonical);
        if (slice_find_byte(path, '?') == path.len)
            check_replaced(&arena, path, canonical, prefix, value);
    }
    arena_dispose(&arena);
    return 0;
}
