/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/bed_head.h"

#include "lib/codec/http/header_fold.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

struct slice bed_head_line(struct slice *rest)
{
    size_t end = slice_find_byte(*rest, '\n');
    struct slice line = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, end + 1, rest->len);
    return line;
}

void bed_head_fields(struct slice *rest, struct message *to, bool *has_odd_names)
{
    struct slice line;
    while (rest->len && (line = bed_head_line(rest)).len) {
        size_t colon = slice_find_byte(line, ':');
        assert_true(colon + 2 <= line.len);
        struct slice name = slice_sub(line, 0, colon);
        struct header *h = headers_add(&to->headers, name, slice_sub(line, colon + 2, line.len));
        h->id = (uint16_t)header_id_of(name);
        *has_odd_names |= h->id == HEADER_OTHER && header_fold_is_odd(name);
        if (h->id == HEADER_CONTENT_LENGTH)
            assert_true(message_length_parse(h->value, &to->content_length));
    }
}

void bed_head_trailers(struct slice text, struct headers *to)
{
    struct slice one;
    while (slice_split(&text, ',', &one)) {
        size_t colon = slice_find_byte(one, ':');
        headers_add(to, slice_sub(one, 0, colon), slice_sub(one, colon + 1, one.len));
    }
}

struct slice bed_head_body(struct slice rest)
{
    bool breaks = rest.len && rest.ptr[rest.len - 1] == '\n';
    return slice_sub(rest, 0, rest.len - (breaks ? 1 : 0));
}

struct slice bed_head_give(struct message *m, struct arena *arena, struct slice body, bool is_head)
{
    bool has_none = m->status == 204 || m->status == 304;
    m->content_length = has_none ? -1 : (int64_t)body.len;
    headers_remove_id(&m->headers, HEADER_CONTENT_LENGTH);
    if (!has_none)
        headers_add_id(&m->headers, HEADER_CONTENT_LENGTH, arena_printf(arena, "%zu", body.len));
    return has_none || is_head ? SLICE("") : arena_copy(arena, body);
}
