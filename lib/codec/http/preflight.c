/* Reading preflights; see preflight.h. Names in Access-Control-Request-Headers are compared without
 * case, though browsers write them in lower case. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/preflight.h"

#define REQUEST_METHOD SLICE("access-control-request-method")
#define REQUEST_HEADERS SLICE("access-control-request-headers")

bool preflight_read(struct preflight *p, const struct message *request)
{
    if (!slice_eq(request->method, SLICE("OPTIONS")))
        return false;
    const struct header *method = headers_find(&request->headers, REQUEST_METHOD);
    p->origin = headers_get_id(&request->headers, HEADER_ORIGIN);
    p->method = method ? method->value : (struct slice){0};
    p->head = &request->headers;
    return p->origin.len && p->method.len;
}

/* The safe-listed ones, and what a browser adds by itself: a preflight has neither credentials nor
 * anything that depends on its cache. */
static bool is_unlisted(struct slice name)
{
    switch (header_id_of(name)) {
    case HEADER_ACCEPT:
    case HEADER_ACCEPT_LANGUAGE:
    case HEADER_AUTHORIZATION:
    case HEADER_CACHE_CONTROL:
    case HEADER_CONTENT_TYPE:
    case HEADER_COOKIE:
    case HEADER_IF_MODIFIED_SINCE:
    case HEADER_IF_NONE_MATCH:
    case HEADER_RANGE:
        return true;
    default:
        return slice_eq(name, SLICE("content-language"));
    }
}

bool preflight_announces(const struct preflight *p, struct slice name)
{
    for (uint32_t i = 0; i < p->head->count; i++) {
        struct slice list = p->head->items[i].value, element;
        if (!slice_eq(p->head->items[i].name, REQUEST_HEADERS))
            continue;
        while (slice_split(&list, ',', &element))
            if (slice_eq_nocase(slice_trim(element), name))
                return true;
    }
    return is_unlisted(name);
}
