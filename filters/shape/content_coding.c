/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/content_coding.h"

#include "filters/shape/body_form.h"

static bool is_identity(struct slice coding)
{
    return !coding.len || slice_eq_nocase(coding, SLICE("identity"));
}

bool content_coding_is_any(const struct headers *h)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (h->items[i].id == HEADER_CONTENT_ENCODING &&
            !is_identity(slice_trim(h->items[i].value)))
            return true;
    return false;
}

enum content_coding_list content_coding_read(const struct headers *h,
                                             enum decoder_coding *codings, unsigned max,
                                             unsigned *count)
{
    bool is_known = true;
    *count = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value, one;
        while (h->items[i].id == HEADER_CONTENT_ENCODING && slice_split(&rest, ',', &one)) {
            one = slice_trim(one);
            if (is_identity(one))
                continue;
            if (*count == max)
                return CODINGS_TOO_MANY;
            is_known &= decoder_coding_of(one, &codings[(*count)++]);
        }
    }
    return is_known ? CODINGS_KNOWN : CODINGS_UNKNOWN;
}

/* In a list of that field. */
static bool lists(const struct headers *h, enum header_id id, struct slice word)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value, one;
        while (h->items[i].id == id && slice_split(&rest, ',', &one))
            if (slice_eq_nocase(slice_trim(one), word))
                return true;
    }
    return false;
}

bool content_coding_is_final(const struct headers *h)
{
    return lists(h, HEADER_CACHE_CONTROL, SLICE("no-transform"));
}

void content_coding_note_vary(struct headers *h)
{
    if (!lists(h, HEADER_VARY, SLICE("*")) && !lists(h, HEADER_VARY, SLICE("accept-encoding")))
        headers_add_id(h, HEADER_VARY, SLICE("Accept-Encoding"));
}

static bool is_of_bytes(const struct header *h)
{
    return h->id == HEADER_CONTENT_LENGTH || h->id == HEADER_CONTENT_ENCODING ||
           slice_eq_cstr(h->name, "accept-ranges");
}

void content_coding_changed(struct message *m)
{
    headers_remove_if(&m->headers, is_of_bytes);
    m->content_length = -1;
    body_form_changed(m);
}
