/* Matching one value: strings, headers, query parameters.
 * Pure; any thread. Must not know what follows from a match.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/match.h"

#include "lib/base/percent.h"
#include "lib/codec/text/regex.h"

enum { PARAMETER_MAX = 8192 };

static bool eq(struct slice a, struct slice b, bool ignore_case)
{
    return a.len == b.len && (ignore_case ? slice_eq_nocase(a, b) : slice_eq(a, b));
}

bool match_path_prefix(struct slice prefix, struct slice path, bool ignore_case)
{
    while (prefix.len && prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    if (path.len < prefix.len || !eq(prefix, slice_sub(path, 0, prefix.len), ignore_case))
        return false;
    return path.len == prefix.len || path.ptr[prefix.len] == '/';
}

static enum truth match_regex(const struct regex *regex, struct slice value)
{
    switch (regex_match(regex, value)) {
    case REGEX_NO:
        return TRUTH_NO;
    case REGEX_YES:
        return TRUTH_YES;
    case REGEX_ERROR:
        break;
    }
    return TRUTH_UNKNOWN;
}

static enum truth match_upright(const struct string_match *m, struct slice value)
{
    struct slice text = m->text;
    switch (m->kind) {
    case MATCH_ANY:
    case MATCH_PRESENT:
        return TRUTH_YES;
    case MATCH_EXACT:
        return truth_of(eq(value, text, m->ignore_case));
    case MATCH_PREFIX:
        return truth_of(eq(slice_sub(value, 0, text.len), text, m->ignore_case));
    case MATCH_SUFFIX:
        return truth_of(value.len >= text.len &&
                        eq(slice_sub(value, value.len - text.len, text.len), text, m->ignore_case));
    case MATCH_PATH_PREFIX:
        return truth_of(match_path_prefix(text, value, m->ignore_case));
    case MATCH_REGEX:
        return match_regex(m->regex, value);
    }
    return TRUTH_UNKNOWN;
}

enum truth match_string(const struct string_match *m, struct slice value)
{
    enum truth t = match_upright(m, value);
    return m->invert ? truth_not(t) : t;
}

bool string_match_test(const struct string_match *m, struct slice value)
{
    return match_string(m, value) == TRUTH_YES;
}

static bool is_named(const struct header *h, const struct named_match *m)
{
    if (h->id != m->header_id)
        return false;
    return h->id != HEADER_OTHER || slice_eq(h->name, m->name);
}

bool match_header(const struct named_match *m, const struct headers *headers)
{
    enum truth any = TRUTH_NO;
    for (uint32_t i = 0; i < headers->count && any != TRUTH_YES; i++) {
        const struct header *h = &headers->items[i];
        if (is_named(h, m))
            any = truth_or(any, match_upright(&m->value, h->value));
    }
    return (m->value.invert ? truth_not(any) : any) == TRUTH_YES;
}

/* Percent-decodes; a '%' that begins no escape stands for itself. The empty slice when it does not
 * fit. */
static struct slice decode(struct slice from, char *to, size_t room)
{
    if (slice_find_byte(from, '%') == from.len)
        return from;
    if (from.len > room)
        return (struct slice){to, 0};
    return percent_decode(from, to);
}

bool match_query(const struct named_match *m, struct slice query)
{
    char decoded[PARAMETER_MAX];
    struct slice rest = query, pair;
    enum truth t = TRUTH_NO;
    while (slice_split(&rest, '&', &pair)) {
        size_t equals = slice_find_byte(pair, '=');
        if (!slice_eq(decode(slice_sub(pair, 0, equals), decoded, sizeof(decoded)), m->name))
            continue;
        t = match_upright(&m->value,
                          decode(slice_sub(pair, equals + 1, pair.len), decoded, sizeof(decoded)));
        break;
    }
    return (m->value.invert ? truth_not(t) : t) == TRUTH_YES;
}

/* ---- in words ---- */

struct slice match_describe(struct arena *arena, const struct string_match *m)
{
    const char *not = m->invert ? "not " : "";
    switch (m->kind) {
    case MATCH_EXACT:
        return arena_printf(arena, "%s\"%.*s\"", not, SLICE_ARG(m->text));
    case MATCH_PREFIX:
        return arena_printf(arena, "%s\"%.*s*\"", not, SLICE_ARG(m->text));
    case MATCH_SUFFIX:
        return arena_printf(arena, "%s\"*%.*s\"", not, SLICE_ARG(m->text));
    case MATCH_REGEX:
        return arena_printf(arena, "%sof the form %.*s", not, SLICE_ARG(m->text));
    case MATCH_PATH_PREFIX:
        return arena_printf(arena, "%s\"%.*s\" or below", not, SLICE_ARG(m->text));
    case MATCH_ANY:
    case MATCH_PRESENT:
        break;
    }
    return arena_printf(arena, "%spresent", not );
}

struct slice match_describe_list(struct arena *arena, const struct string_match *items,
                                 uint32_t count)
{
    struct slice all = SLICE("");
    for (uint32_t i = 0; i < count; i++) {
        struct slice one = match_describe(arena, &items[i]);
        all = i ? arena_printf(arena, "%.*s, %.*s", SLICE_ARG(all), SLICE_ARG(one)) : one;
    }
    return all;
}
