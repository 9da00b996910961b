/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/accept.h"

/* "0.8" -> 800; what is no weight is 1. */
static unsigned weight(struct slice text)
{
    unsigned value = 0, scale = 1000;
    if (!text.len || text.ptr[0] < '0' || text.ptr[0] > '1' || text.len > 5)
        return 1000;
    value = text.ptr[0] == '1' ? 1000 : 0;
    for (size_t i = 2; i < text.len; i++) {
        if (text.ptr[1] != '.' || text.ptr[i] < '0' || text.ptr[i] > '9')
            return 1000;
        scale /= 10;
        value += (unsigned)(text.ptr[i] - '0') * scale;
    }
    return value > 1000 ? 1000 : value;
}

static unsigned weight_of(struct slice parameters)
{
    struct slice one;
    while (slice_split(&parameters, ';', &one)) {
        one = slice_trim(one);
        if (one.len > 2 && (one.ptr[0] | 0x20) == 'q' && one.ptr[1] == '=')
            return weight(slice_sub(one, 2, one.len));
    }
    return 1000;
}

/* How closely the range names the type: 3 itself, 2 its kind, 1 everything, 0 not at all. */
static unsigned closeness(struct slice range, struct slice type)
{
    size_t slash = slice_find_byte(type, '/');
    if (slice_eq_nocase(range, type))
        return 3;
    if (slice_eq_cstr(range, "*/*"))
        return 1;
    bool is_kind = range.len == slash + 2 && range.ptr[slash + 1] == '*' &&
                   slice_eq_nocase(slice_sub(range, 0, slash + 1), slice_sub(type, 0, slash + 1));
    return is_kind ? 2 : 0;
}

unsigned accept_quality(const struct headers *h, struct slice type)
{
    unsigned closest = 0, quality = 0;
    bool any = false;
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value, one;
        if (h->items[i].id != HEADER_ACCEPT)
            continue;
        while (slice_split(&rest, ',', &one)) {
            size_t end = slice_find_byte(one, ';');
            unsigned close = closeness(slice_trim(slice_sub(one, 0, end)), type);
            any |= slice_trim(one).len > 0;
            if (close <= closest)
                continue;
            closest = close;
            quality = weight_of(slice_sub(one, end + 1, one.len));
        }
    }
    return any ? quality : 1000;
}

/* RFC 9110 §8.4.1.3: "x-gzip" is another name of gzip. */
static bool is_coding(struct slice said, struct slice coding)
{
    return slice_eq_nocase(said, coding) ||
           (slice_eq_cstr(coding, "gzip") && slice_eq_nocase(said, SLICE("x-gzip")));
}

unsigned accept_coding_quality(const struct headers *h, struct slice coding)
{
    bool is_identity = slice_eq_cstr(coding, "identity"), is_named = false;
    unsigned quality = is_identity ? 1 : 0; /* nobody objects to it, and it is not preferred */
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value, one;
        while (h->items[i].id == HEADER_ACCEPT_ENCODING && slice_split(&rest, ',', &one)) {
            size_t end = slice_find_byte(one, ';');
            struct slice said = slice_trim(slice_sub(one, 0, end));
            bool names = is_coding(said, coding);
            if (!names && (is_named || !slice_eq_cstr(said, "*")))
                continue;
            is_named |= names;
            quality = weight_of(slice_sub(one, end + 1, one.len));
        }
    }
    return quality;
}
