/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/body_form.h"

static unsigned count_of(const struct headers *h, enum header_id id)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < h->count; i++)
        count += h->items[i].id == id;
    return count;
}

/* "application/JSON; charset=utf-8" -> "application/JSON". */
static struct slice media_type(struct slice value)
{
    return slice_trim(slice_sub(value, 0, slice_find_byte(value, ';')));
}

static bool ends_with(struct slice type, struct slice suffix)
{
    return type.len > suffix.len &&
           slice_eq_nocase(slice_sub(type, type.len - suffix.len, suffix.len), suffix);
}

enum body_form body_form_of(const struct message *m)
{
    const struct headers *h = &m->headers;
    const struct header *coding = headers_find_id(h, HEADER_CONTENT_ENCODING);
    if (coding && !slice_eq_nocase(coding->value, SLICE("identity")))
        return BODY_OTHER;
    if (count_of(h, HEADER_CONTENT_TYPE) != 1)
        return BODY_OTHER;
    struct slice type = media_type(headers_get_id(h, HEADER_CONTENT_TYPE));
    if (slice_eq_nocase(type, SLICE("application/json")) || ends_with(type, SLICE("+json")))
        return BODY_JSON;
    if (slice_eq_nocase(type, SLICE("application/x-www-form-urlencoded")))
        return BODY_URLENCODED;
    bool is_xml = slice_eq_nocase(type, SLICE("application/xml")) ||
                  slice_eq_nocase(type, SLICE("text/xml")) || ends_with(type, SLICE("+xml"));
    return is_xml ? BODY_XML : BODY_OTHER;
}

bool body_form_is_complete(const struct message *request, const struct message *response)
{
    unsigned status = response->status;
    return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304 &&
           !slice_eq_cstr(request->method, "HEAD");
}

static bool is_digest(const struct header *h)
{
    static const char *const names[] = {"content-md5", "digest", "content-digest", "repr-digest"};
    if (h->id != HEADER_OTHER)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq_cstr(h->name, names[i]))
            return true;
    return false;
}

void body_form_changed(struct message *m)
{
    struct header *tag = headers_find_id(&m->headers, HEADER_ETAG);
    headers_remove_if(&m->headers, is_digest);
    if (tag && !slice_starts_with(tag->value, SLICE("W/"))) {
        struct slice weak =
            arena_printf(m->headers.arena, "W/%.*s", SLICE_ARG(tag->value));
        headers_set_id(&m->headers, HEADER_ETAG, weak);
    }
}
