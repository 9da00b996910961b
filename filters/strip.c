/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/strip.h"

#include "filters/caller/credential_query.h"
#include "lib/codec/http/header_fold.h"

void strip_disguises(struct filter_exchange *x, struct slice name)
{
    struct headers *h = &x->request->headers;
    if (!x->has_odd_names && !header_fold_is_odd(name))
        return;
    for (uint32_t i = h->count; i-- > 0;) {
        struct slice other = h->items[i].name;
        if (slice_eq(other, name) || !header_fold_eq(other, name))
            continue;
        headers_remove(h, other);
        i = i < h->count ? i : h->count;
    }
}

void strip_header(struct filter_exchange *x, struct slice name)
{
    headers_remove(&x->request->headers, name);
    strip_disguises(x, name);
}

void strip_logged_query(struct filter_exchange *x, const struct slice *names, size_t count)
{
    struct slice logged = x->shown_path.len ? x->shown_path : x->original_path;
    struct slice without = credential_query_remove(x->arena, logged, names, count);
    if (without.ptr != logged.ptr)
        x->shown_path = without;
}
