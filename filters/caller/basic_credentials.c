/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/basic_credentials.h"

#include <string.h>

#include "filters/filter.h"
#include "lib/codec/text/base64.h"

/* The value of the one Authorization header with the scheme Basic. NULL ptr: there is none. */
static struct slice find_token(const struct filter_exchange *x)
{
    const struct headers *h = &x->request->headers;
    struct slice value = {0};
    for (uint32_t i = 0; i < h->count; i++)
        if (h->items[i].id == HEADER_AUTHORIZATION) {
            if (value.ptr)
                return (struct slice){0}; /* two: which one does the backend believe? */
            value = h->items[i].value;
        }
    size_t space = slice_find_byte(value, ' ');
    if (!slice_eq_nocase(slice_sub(value, 0, space), SLICE("Basic")))
        return (struct slice){0};
    return slice_trim(slice_sub(value, space, value.len));
}

bool basic_credentials_read(const struct filter_exchange *x, size_t password_max,
                            struct slice *name, struct slice *password)
{
    struct slice token = find_token(x);
    size_t len;
    if (!token.len || token.len > 4 * password_max)
        return false;
    char *text = arena_alloc(x->arena, BASE64_DECODED_MAX(token.len));
    if (base64_decode(token, text, &len) || memchr(text, 0, len))
        return false;
    struct slice both = slice_of(text, len);
    size_t colon = slice_find_byte(both, ':');
    *name = slice_sub(both, 0, colon);
    *password = slice_sub(both, colon + 1, len);
    return colon < len && password->len <= password_max;
}
