/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_conditions.h"

#include "lib/codec/http/http_date.h"

static struct slice get(const struct headers *h, const char *name)
{
    const struct header *found = headers_find(h, slice_from_cstr(name));
    return found ? found->value : SLICE("");
}

/* ---- entity tags ---- */

static struct slice without_weak(struct slice tag)
{
    return slice_starts_with(tag, SLICE("W/")) ? slice_sub(tag, 2, tag.len) : tag;
}

/* Takes one off the front; what is not in quotes ends at a comma. */
static struct slice take_tag(struct slice *rest)
{
    struct slice s = *rest;
    size_t at = slice_starts_with(s, SLICE("W/")) ? 2 : 0;
    if (at < s.len && s.ptr[at] == '"')
        at += 1 + slice_find_byte(slice_sub(s, at + 1, s.len), '"') + 1;
    size_t end = at + slice_find_byte(slice_sub(s, at, s.len), ',');
    *rest = slice_sub(s, end + 1, s.len);
    return slice_trim(slice_sub(s, 0, end));
}

/* The weak comparison (RFC 9110 §8.8.3.2). */
static bool lists(struct slice list, struct slice tag)
{
    while (list.len) {
        list = slice_trim(list);
        struct slice one = take_tag(&list);
        if (one.len && slice_eq(without_weak(one), without_weak(tag)))
            return true;
    }
    return false;
}

/* ---- conditions ---- */

static bool is_origins(const struct header *h)
{
    return h->id == HEADER_OTHER && (slice_eq_cstr(h->name, "if-match") ||
                                     slice_eq_cstr(h->name, "if-unmodified-since"));
}

static bool is_condition(const struct header *h)
{
    return h->id == HEADER_IF_NONE_MATCH || h->id == HEADER_IF_MODIFIED_SINCE ||
           h->id == HEADER_RANGE || (h->id == HEADER_OTHER && slice_eq_cstr(h->name, "if-range"));
}

bool cache_conditions_are_origins(const struct headers *request)
{
    for (uint32_t i = 0; i < request->count; i++)
        if (is_origins(&request->items[i]))
            return true;
    return false;
}

bool cache_conditions_are_there(const struct headers *request)
{
    for (uint32_t i = 0; i < request->count; i++)
        if (is_condition(&request->items[i]))
            return true;
    return false;
}

void cache_conditions_remove(struct headers *request)
{
    headers_remove_if(request, is_condition);
}

static bool matches_none(const struct headers *request, struct slice tag)
{
    for (uint32_t i = 0; i < request->count; i++) {
        struct slice value = slice_trim(request->items[i].value);
        if (request->items[i].id != HEADER_IF_NONE_MATCH)
            continue;
        if (slice_eq_cstr(value, "*") || (tag.len && lists(value, slice_trim(tag))))
            return true;
    }
    return false;
}

bool cache_conditions_hold(const struct headers *request, const struct headers *stored,
                           int64_t now_ms)
{
    int64_t since, modified;
    const struct header *condition = headers_find_id(request, HEADER_IF_MODIFIED_SINCE);
    if (headers_find_id(request, HEADER_IF_NONE_MATCH))
        return matches_none(request, headers_get_id(stored, HEADER_ETAG));
    if (!condition || http_date_read_any(condition->value, now_ms, &since))
        return false;
    struct slice last = headers_get_id(stored, HEADER_LAST_MODIFIED);
    if (!last.len) /* then when it was sent (RFC 9111 §4.3.2) */
        last = headers_get_id(stored, HEADER_DATE);
    return !http_date_read_any(last, now_ms, &modified) && modified <= since;
}

/* ---- ranges ---- */

/* If-Range wants the strong comparison of a tag, or a date that is the same (RFC 9110 §13.1.5). */
static bool is_same_version(struct slice condition, const struct headers *stored)
{
    if (!condition.len)
        return true;
    struct slice tag = headers_get_id(stored, HEADER_ETAG);
    if (condition.ptr[0] == '"')
        return slice_eq(condition, tag);
    return !slice_starts_with(condition, SLICE("W/")) &&
           slice_eq(condition, headers_get_id(stored, HEADER_LAST_MODIFIED));
}

/* "-n": the last n bytes. */
static enum cache_range_verdict last_bytes(struct slice n, uint64_t size, struct cache_range *out)
{
    uint64_t len;
    if (slice_to_u64(n, &len))
        return CACHE_RANGE_NONE;
    len = len < size ? len : size;
    *out = (struct cache_range){size - len, len};
    return len ? CACHE_RANGE_PART : CACHE_RANGE_BEYOND;
}

static enum cache_range_verdict read_range(struct slice text, uint64_t size,
                                           struct cache_range *out)
{
    size_t dash = slice_find_byte(text, '-');
    struct slice first = slice_sub(text, 0, dash), last = slice_sub(text, dash + 1, text.len);
    uint64_t from, to = UINT64_MAX;
    if (dash == text.len)
        return CACHE_RANGE_NONE;
    if (!first.len)
        return last_bytes(last, size, out);
    if (slice_to_u64(first, &from) || (last.len && slice_to_u64(last, &to)) || to < from)
        return CACHE_RANGE_NONE;
    if (from >= size)
        return CACHE_RANGE_BEYOND;
    to = to < size ? to : size - 1;
    *out = (struct cache_range){from, to - from + 1};
    return CACHE_RANGE_PART;
}

enum cache_range_verdict cache_conditions_range(const struct headers *request,
                                                const struct headers *stored, uint64_t size,
                                                struct cache_range *out)
{
    struct slice text = slice_trim(headers_get_id(request, HEADER_RANGE));
    struct slice unit = slice_sub(text, 0, 6);
    if (!slice_eq_nocase(unit, SLICE("bytes=")) || slice_find_byte(text, ',') < text.len ||
        !is_same_version(slice_trim(get(request, "if-range")), stored))
        return CACHE_RANGE_NONE;
    return read_range(slice_trim(slice_sub(text, 6, text.len)), size, out);
}
