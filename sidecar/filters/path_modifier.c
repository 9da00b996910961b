/* The joins of the Gateway API's ReplacePrefixMatch table, and the choice between the raw and the
 * canonical rest. Pure; worker thread. Must not know where the result goes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/path_modifier.h"

#include <string.h>

#include "lib/codec/http/normalize.h"
#include "lib/codec/http/match.h"

static struct slice without_slash(struct slice s)
{
    while (s.len && s.ptr[s.len - 1] == '/')
        s.len--;
    return s;
}

/* What follows the prefix: empty, or beginning with '/'. */
static struct slice rest_of(struct slice prefix, struct slice path)
{
    return slice_sub(path, without_slash(prefix).len, path.len);
}

/* RFC 3986 §3.3: what may stand in a path as it is. */
static bool is_path_byte(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("/-._~!$&'()*+,;=:@", c) != NULL;
}

static struct slice escape(struct arena *arena, struct slice s)
{
    static const char hex[] = "0123456789ABCDEF";
    char *to = arena_alloc(arena, s.len * 3);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_path_byte(c)) {
            to[len++] = (char)c;
        } else {
            to[len++] = '%';
            to[len++] = hex[c >> 4];
            to[len++] = hex[c & 15];
        }
    }
    return (struct slice){to, len};
}

static struct slice choose_rest(const struct path_modifier *m, struct arena *arena,
                                struct slice path, struct slice match_path)
{
    struct slice canonical = rest_of(m->prefix, match_path);
    if (!match_path_prefix(m->prefix, path, false))
        return escape(arena, canonical);
    struct slice raw = rest_of(m->prefix, path);
    /* A step up could lead out of the new prefix: above its own start it is clamped by the root
     * only. (In any other spelling it was refused.) */
    bool steps_up = slice_find(raw, SLICE("/..")) < raw.len;
    if (!steps_up && (raw.len == 0 || slice_eq(normalize_path(arena, raw), canonical)))
        return raw;
    return escape(arena, canonical);
}

static struct slice concat(struct arena *arena, struct slice a, struct slice b, struct slice c)
{
    char *to = arena_alloc(arena, a.len + b.len + c.len);
    size_t len = 0;
    const struct slice parts[] = {a, b, c};
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].len)
            memcpy(to + len, parts[i].ptr, parts[i].len);
        len += parts[i].len;
    }
    return (struct slice){to, len};
}

struct slice path_modifier_apply(const struct path_modifier *m, struct arena *arena,
                                 struct slice target, struct slice match_path)
{
    size_t path_len = slice_find_byte(target, '?');
    struct slice path = slice_sub(target, 0, path_len);
    struct slice query = slice_sub(target, path_len, target.len);
    struct slice rest = SLICE(""), head = m->value;
    if (m->kind == PATH_KEEP)
        return target;
    if (m->kind == PATH_REPLACE_PREFIX) {
        rest = choose_rest(m, arena, path, match_path);
        if (rest.len)
            head = without_slash(head);
    }
    if (head.len + rest.len == 0)
        head = SLICE("/");
    return concat(arena, head, rest, query);
}
