/* Matching one value against one StringMatch, and saying it in words. Main thread.
 * Must not know what the value is of.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/holds.h"

#include "lib/codec/regex.h"

typedef Weft__Config__V1__StringMatch match;

static bool equal(struct slice a, struct slice b, bool ignore_case)
{
    return ignore_case ? slice_eq_nocase(a, b) : slice_eq(a, b);
}

static bool has_path_prefix(struct slice prefix, struct slice path, bool ignore_case)
{
    while (prefix.len && prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    return path.len >= prefix.len && equal(slice_sub(path, 0, prefix.len), prefix, ignore_case) &&
           (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

static enum holds test_regex(const match *m, struct slice value)
{
    static const enum holds answers[] = {
        [REGEX_NO] = HOLDS_NO, [REGEX_YES] = HOLDS_YES, [REGEX_ERROR] = HOLDS_UNKNOWN};
    struct regex *regex;
    if (regex_create(slice_from_cstr(m->regex), m->ignore_case, &regex, NULL))
        return HOLDS_UNKNOWN;
    enum regex_result r = regex_match(regex, value);
    regex_destroy(regex);
    return answers[r];
}

enum holds holds_upright(const match *m, struct slice value)
{
    struct slice text;
    switch (m->kind_case) {
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT:
        return holds_of(equal(value, slice_from_cstr(m->exact), m->ignore_case));
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_PREFIX:
        text = slice_from_cstr(m->prefix);
        return holds_of(equal(slice_sub(value, 0, text.len), text, m->ignore_case));
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_SUFFIX:
        text = slice_from_cstr(m->suffix);
        return holds_of(
            value.len >= text.len &&
            equal(slice_sub(value, value.len - text.len, text.len), text, m->ignore_case));
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX:
        return test_regex(m, value);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX:
        return holds_of(has_path_prefix(slice_from_cstr(m->path_prefix), value, m->ignore_case));
    default: /* present, or nothing said */
        return HOLDS_YES;
    }
}

enum holds holds_string(const match *m, struct slice value)
{
    enum holds h = holds_upright(m, value);
    return m->invert ? holds_not(h) : h;
}

enum holds holds_any(match *const *list, size_t count, struct slice value)
{
    enum holds any = HOLDS_NO;
    for (size_t i = 0; i < count; i++)
        any = holds_or(any, value.ptr ? holds_string(list[i], value) : holds_of(list[i]->invert));
    return any;
}

struct slice holds_describe(struct arena *arena, const match *m)
{
    const char *not = m->invert ? "not " : "";
    switch (m->kind_case) {
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT:
        return arena_printf(arena, "%s\"%s\"", not, m->exact);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_PREFIX:
        return arena_printf(arena, "%s\"%s*\"", not, m->prefix);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_SUFFIX:
        return arena_printf(arena, "%s\"*%s\"", not, m->suffix);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX:
        return arena_printf(arena, "%sof the form %s", not, m->regex);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX:
        return arena_printf(arena, "%s\"%s\" or below", not, m->path_prefix);
    default:
        return arena_printf(arena, "%spresent", not );
    }
}

struct slice holds_describe_list(struct arena *arena, match *const *list, size_t count)
{
    struct slice text = SLICE("");
    for (size_t i = 0; i < count; i++) {
        struct slice one = holds_describe(arena, list[i]);
        text = i ? arena_printf(arena, "%.*s, %.*s", SLICE_ARG(text), SLICE_ARG(one)) : one;
    }
    return text;
}
