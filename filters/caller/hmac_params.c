/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/hmac_params.h"

enum { VALUE_MAX = 4096 };

/* The one Authorization header. NULL ptr: none, or several. */
static struct slice find_header(const struct filter_exchange *x)
{
    const struct headers *h = &x->request->headers;
    struct slice value = {0};
    for (uint32_t i = 0; i < h->count; i++) {
        if (h->items[i].id != HEADER_AUTHORIZATION)
            continue;
        if (value.ptr)
            return (struct slice){0};
        value = h->items[i].value;
    }
    return value;
}

static struct slice *member_of(struct hmac_params *p, struct slice name)
{
    if (slice_eq_nocase(name, SLICE("username")) || slice_eq_nocase(name, SLICE("keyId")))
        return &p->username;
    if (slice_eq_nocase(name, SLICE("algorithm")))
        return &p->algorithm;
    if (slice_eq_nocase(name, SLICE("headers")))
        return &p->headers;
    return slice_eq_nocase(name, SLICE("signature")) ? &p->signature : NULL;
}

/* `name="value"` off the front. False: it is none. */
static bool take_param(struct slice *rest, struct slice *name, struct slice *value)
{
    size_t equals = slice_find_byte(*rest, '=');
    struct slice quoted = slice_sub(*rest, equals + 1, rest->len);
    if (equals == rest->len || !quoted.len || quoted.ptr[0] != '"')
        return false;
    quoted = slice_sub(quoted, 1, quoted.len);
    size_t end = slice_find_byte(quoted, '"');
    if (end == quoted.len)
        return false;
    *name = slice_trim(slice_sub(*rest, 0, equals));
    *value = slice_sub(quoted, 0, end);
    *rest = slice_trim(slice_sub(quoted, end + 1, quoted.len));
    return !memchr(value->ptr, '\\', value->len);
}

bool hmac_params_read(const struct filter_exchange *x, struct hmac_params *out)
{
    struct slice header = find_header(x), name, value;
    size_t space = slice_find_byte(header, ' ');
    struct slice scheme = slice_sub(header, 0, space);
    struct slice rest = slice_trim(slice_sub(header, space, header.len));
    *out = (struct hmac_params){0};
    if (header.len > VALUE_MAX || (!slice_eq_nocase(scheme, SLICE("hmac")) &&
                                   !slice_eq_nocase(scheme, SLICE("Signature"))))
        return false;
    while (rest.len) {
        if (!take_param(&rest, &name, &value))
            return false;
        struct slice *to = member_of(out, name);
        if (to && to->ptr)
            return false; /* twice: which one counts? */
        if (to)
            *to = value;
        if (rest.len && rest.ptr[0] != ',')
            return false;
        rest = slice_trim(slice_sub(rest, rest.len ? 1 : 0, rest.len));
    }
    if (!out->headers.ptr)
        out->headers = SLICE("date"); /* draft-cavage §2.1.6 */
    return out->username.len && out->algorithm.len && out->signature.len;
}
