/* The walk along X-Forwarded-For, which may be several fields, from its end; see forwarded.h.
 * Nothing is copied. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/forwarded.h"

/* A place in the list that spreads over several fields, moving towards its beginning. */
struct cursor {
    const struct headers *h;
    uint32_t field;    /* h->count before the first step */
    struct slice rest; /* of that field's value, before the element */
};

static bool step_field(struct cursor *c)
{
    while (c->field-- > 0) {
        if (c->h->items[c->field].id != HEADER_X_FORWARDED_FOR)
            continue;
        c->rest = c->h->items[c->field].value;
        return true;
    }
    c->field = 0;
    return false;
}

/* The next element that is not empty. */
static bool step(struct cursor *c, struct slice *element)
{
    for (;;) {
        while (c->rest.len == 0)
            if (!step_field(c))
                return false;
        size_t from = c->rest.len;
        while (from > 0 && c->rest.ptr[from - 1] != ',')
            from--;
        *element = slice_trim(slice_sub(c->rest, from, c->rest.len));
        c->rest.len = from ? from - 1 : 0;
        if (element->len)
            return true;
    }
}

static bool is_listed(const struct forwarded_trust *t, const struct addr *a)
{
    for (uint32_t i = 0; i < t->address_count; i++)
        if (cidr_contains(&t->addresses[i], a))
            return true;
    return false;
}

void forwarded_from_peer(struct forwarded *f, const struct addr *peer)
{
    *f = (struct forwarded){.client = *peer, .first_field = FORWARDED_NONE};
}

static void take(struct forwarded *f, const struct cursor *c, struct slice element,
                 const struct addr *client)
{
    f->client = *client;
    f->first_field = c->field;
    f->first_byte = (size_t)(element.ptr - c->h->items[c->field].value.ptr);
}

void forwarded_read(struct forwarded *f, const struct headers *h, const struct addr *peer,
                    const struct forwarded_trust *trust, bool peer_is_trusted)
{
    struct cursor c = {.h = h, .field = h->count};
    struct slice element;
    uint32_t hops = trust->hops, seen = 0;
    forwarded_from_peer(f, peer);
    for (;;) {
        bool by_hop = hops > 0, by_identity = peer_is_trusted && seen == 0;
        if (!by_hop && !by_identity && !is_listed(trust, &f->client))
            return;
        f->is_believed = true;
        hops -= by_hop && !by_identity;
        if (!step(&c, &element)) {
            if (by_hop) { /* it did not come all the way */
                forwarded_from_peer(f, peer);
                f->is_believed = true;
            }
            return;
        }
        struct addr next;
        if (++seen > FORWARDED_ELEMENTS_MAX || addr_parse(element, &next)) {
            f->is_unknown = true;
            return;
        }
        take(f, &c, element, &next);
    }
}
