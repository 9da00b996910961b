/* Paths that are replaced, whole or by their prefix: the joins of the Gateway API's
 * ReplacePrefixMatch table, and the choice between the raw and the canonical rest.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/path_modifier.h"

#include <string.h>

#include "lib/base/percent.h"
#include "lib/codec/http/match.h"
#include "lib/codec/http/normalize.h"
#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

static const char *const replaces[] = {
    [PATH_MODIFIER_FULL] = "ReplaceFullPath",
    [PATH_MODIFIER_PREFIX] = "ReplacePrefixMatch",
    NULL,
};

static const struct schema_field path_fields[] = {
    SCHEMA_FIELD(struct path_modifier_spec, type, "type", ENUM, "What is replaced.",
                 .flags = SCHEMA_REQUIRED, .choices = replaces),
    SCHEMA_FIELD(struct path_modifier_spec, full, "replaceFullPath", STRING,
                 "The whole new path.", .max = 1024, .format = &schema_format_path),
    SCHEMA_FIELD(struct path_modifier_spec, prefix, "replacePrefixMatch", STRING,
                 "Replaces the matched prefix; the rest of the path stays.", .max = 1024,
                 .format = &schema_format_path),
    {0},
};

static void check_path(struct schema_run *run, const struct doc *node, void *value)
{
    const struct path_modifier_spec *p = value;
    const struct doc *full = doc_get(node, SLICE("replaceFullPath"));
    const struct doc *prefix = doc_get(node, SLICE("replacePrefixMatch"));
    bool is_full = p->type == PATH_MODIFIER_FULL;
    if (!doc_get(node, SLICE("type")))
        return;
    if (!(is_full ? full : prefix))
        schema_error(run, node, is_full ? "replaceFullPath" : "replacePrefixMatch",
                     "is required when type is %s", replaces[p->type]);
    if (is_full && full && p->full.ptr && slice_is_empty(p->full))
        schema_error(run, node, "replaceFullPath", "must not be empty");
    if (is_full ? prefix : full)
        schema_error(run, node, is_full ? "replacePrefixMatch" : "replaceFullPath",
                     "must be left out when type is %s", replaces[p->type]);
}

const struct schema path_modifier_schema = {
    .name = "HTTPPathModifier",
    .doc = "Changes a path.",
    .size = sizeof(struct path_modifier_spec),
    .fields = path_fields,
    .check = check_path,
};

/* ---- what is made of it ---- */

struct path_modifier path_modifier_of(const struct path_modifier_spec *spec)
{
    if (!spec)
        return (struct path_modifier){.kind = PATH_KEEP};
    if (spec->type == PATH_MODIFIER_FULL)
        return (struct path_modifier){.kind = PATH_REPLACE_FULL, .value = spec->full};
    return (struct path_modifier){.kind = PATH_REPLACE_PREFIX, .value = spec->prefix};
}

struct slice path_modifier_describe(struct arena *arena, const struct path_modifier *m,
                                    struct slice prefix)
{
    switch (m->kind) {
    case PATH_REPLACE_FULL:
        return arena_printf(arena, " path %.*s", SLICE_ARG(m->value));
    case PATH_REPLACE_PREFIX:
        return arena_printf(arena, " path %.*s… to %.*s…", SLICE_ARG(prefix),
                            SLICE_ARG(m->value.len ? m->value : SLICE("/")));
    case PATH_KEEP:
        break;
    }
    return SLICE("");
}

/* ---- requests ---- */

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

/* But for what may stand in a path as it is (RFC 3986 §3.3). */
static struct slice escape(struct arena *arena, struct slice s)
{
    char *to = arena_alloc(arena, s.len * 3);
    return slice_of(to, percent_encode(s, "/-._~!$&'()*+,;=:@", to));
}

static struct slice choose_rest(struct arena *arena, struct slice prefix, struct slice path,
                                struct slice match_path)
{
    struct slice canonical = rest_of(prefix, match_path);
    if (!match_path_prefix(prefix, path, false))
        return escape(arena, canonical);
    struct slice raw = rest_of(prefix, path);
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

struct slice path_modifier_apply(const struct path_modifier *m, const struct filter_exchange *x,
                                 struct slice target)
{
    size_t path_len = slice_find_byte(target, '?');
    struct slice path = slice_sub(target, 0, path_len);
    struct slice query = slice_sub(target, path_len, target.len);
    struct slice rest = SLICE(""), head = m->value;
    if (m->kind == PATH_KEEP)
        return target;
    if (m->kind == PATH_REPLACE_PREFIX) {
        rest = choose_rest(x->arena, x->matched_prefix, path, x->match_path);
        if (rest.len)
            head = without_slash(head);
    }
    if (head.len + rest.len == 0)
        head = SLICE("/");
    return concat(x->arena, head, rest, query);
}
