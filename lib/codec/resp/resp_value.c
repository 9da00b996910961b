/* Looking at what a server said, and keeping it. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/resp/resp_value.h"

/* No deeper than the reader lets values be (RESP_DEPTH_MAX). */
static void copy_into(struct arena *arena, const struct resp_value *from, struct resp_value *to)
{
    *to = *from;
    to->text = from->text.len ? arena_copy(arena, from->text) : from->text;
    if (!from->count)
        return;
    to->items = arena_alloc(arena, from->count * sizeof(*to->items));
    for (uint32_t i = 0; i < from->count; i++)
        copy_into(arena, &from->items[i], &to->items[i]);
}

const struct resp_value *resp_value_copy(struct arena *arena, const struct resp_value *v)
{
    struct resp_value *copy = arena_alloc(arena, sizeof(*copy));
    copy_into(arena, v, copy);
    return copy;
}

static bool text_to_integer(struct slice text, int64_t *out)
{
    uint64_t size;
    bool is_negative = text.len && text.ptr[0] == '-';
    if (slice_to_u64(slice_sub(text, is_negative, text.len), &size) || size > INT64_MAX)
        return false;
    *out = is_negative ? -(int64_t)size : (int64_t)size;
    return true;
}

bool resp_value_integer(const struct resp_value *list, uint32_t at, int64_t *out)
{
    if (!list || list->type != RESP_LIST || at >= list->count)
        return false;
    const struct resp_value *v = &list->items[at];
    if (v->type == RESP_TEXT)
        return text_to_integer(v->text, out);
    *out = v->integer;
    return v->type == RESP_INTEGER;
}

struct slice resp_value_error_code(const struct resp_value *v)
{
    if (v->type != RESP_ERROR)
        return (struct slice){0};
    return slice_sub(v->text, 0, slice_find_byte(v->text, ' '));
}

bool resp_value_is_error(const struct resp_value *v, const char *code)
{
    return v->type == RESP_ERROR && slice_eq_cstr(resp_value_error_code(v), code);
}
