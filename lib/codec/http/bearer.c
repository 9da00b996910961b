/* What is sent as a token is one word of visible ASCII: an empty one would ask for nothing as
 * nobody, and a line break within it would be another header.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/bearer.h"

#include <stdbool.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_visible(char c)
{
    return c > ' ' && c < 0x7f;
}

struct slice bearer_token(struct slice text, const char **why)
{
    while (text.len && is_space(text.ptr[0]))
        text = slice_sub(text, 1, text.len);
    while (text.len && is_space(text.ptr[text.len - 1]))
        text.len--;
    if (!text.len)
        *why = "is empty";
    for (size_t i = 0; i < text.len; i++)
        if (!is_visible(text.ptr[i])) {
            *why = "holds bytes that no token has";
            return SLICE("");
        }
    return text;
}
