/* Names and filters as text. Pure. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/ldap/directory.h"

#include <string.h>

#include "lib/base/percent.h"

static const char *escape(struct arena *arena, struct slice value, const char *special)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(arena, value.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c && c >= 0x20 && c < 0x7f && !strchr(special, c)) {
            text[len++] = (char)c;
        } else {
            text[len++] = '\\';
            text[len++] = digits[c >> 4];
            text[len++] = digits[c & 15];
        }
    }
    text[len] = '\0';
    return text;
}

const char *directory_escape_name(struct arena *arena, struct slice value)
{
    return escape(arena, value, " \"#+,;<=>\\");
}

const char *directory_escape_filter(struct arena *arena, struct slice value)
{
    return escape(arena, value, "()*\\");
}

/* "\2c" is a comma, and so is "\,". */
static struct slice unescape(struct arena *arena, struct slice value)
{
    char *text = arena_alloc(arena, value.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\\' && i + 1 < value.len) {
            int high = percent_digit(value.ptr[i + 1]);
            int low = i + 2 < value.len ? percent_digit(value.ptr[i + 2]) : -1;
            bool is_hex = high >= 0 && low >= 0;
            c = is_hex ? (char)(high << 4 | low) : value.ptr[i + 1];
            i += is_hex ? 2 : 1;
        }
        text[len++] = c;
    }
    return slice_of(text, len);
}

struct slice directory_first_value(struct arena *arena, struct slice name)
{
    size_t begin = slice_find_byte(name, '=') + 1, end = begin;
    if (begin > name.len)
        return arena_copy(arena, name);
    while (end < name.len && name.ptr[end] != ',' && name.ptr[end] != '+')
        end += name.ptr[end] == '\\' ? 2 : 1;
    if (end >= name.len)
        end = name.len;
    return unescape(arena, (struct slice){name.ptr + begin, end - begin});
}
