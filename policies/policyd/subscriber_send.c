/* One update: from what a data plane has to what it should have, and which of its questions were
 * answered. Owned by the loop's thread. Must not know why it is due.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/subscriber.h"

#include "policies/discovery.h"
#include "policies/policyd/update_write.h"

struct making {
    struct update_write update;
    size_t changes;
};

static void add_new(void *owner, const struct held *wanted)
{
    struct making *m = owner;
    update_write_resource(&m->update, wanted->parcel);
    m->changes++;
}

static void add_gone(void *owner, const struct held *had)
{
    struct making *m = owner;
    update_write_removed(&m->update, parcel_name_text(had->name));
    m->changes++;
}

static void add_answers(struct subscriber *s, struct making *m)
{
    struct slice address;
    void *value;
    for (size_t at = 0; map_next(&s->interests, &at, &address, &value);) {
        struct interest *one = value;
        one->is_telling = !one->is_told || one->told != one->answer->names;
        if (!one->is_telling)
            continue;
        one->telling = one->answer->names;
        update_write_answer(&m->update, address, one->answer);
        m->changes++;
    }
}

static void gather(struct subscriber *s, struct holding *wanted)
{
    struct slice address;
    void *value;
    holding_add_answer(wanted, s->base);
    for (size_t at = 0; map_next(&s->interests, &at, &address, &value);)
        holding_add_answer(wanted, ((struct interest *)value)->answer);
    holding_settle(wanted);
}

/* False: it does not fit into a message. */
static bool transmit(struct subscriber *s, struct making *m)
{
    struct roster *r = s->roster;
    update_write_digest(&m->update, s->pending.digest);
    if (m->update.len > DISCOVERY_MESSAGE_MAX)
        return false;
    s->is_pending = true;
    s->is_first = false;
    s->since_ms = loop_now_ms(r->config.loop);
    r->count.updates++;
    r->count.update_bytes += m->update.len;
    grpc_stream_send(s->stream, m->update.data, m->update.len);
    return true;
}

bool subscriber_send(struct subscriber *s)
{
    static const struct holding_events events = {add_new, add_gone};
    struct making m = {.changes = s->is_first};
    bool fits = true;
    update_write_init(&m.update);
    update_write_serial(&m.update, s->serial + 1);
    gather(s, &s->pending);
    holding_compare(&s->have, &s->pending, &events, &m);
    add_answers(s, &m);
    holding_forget_parcels(&s->pending);
    /* What it refused once it would refuse again. */
    if (s->has_refused && s->refused_digest == s->pending.digest)
        m.changes = 0;
    if (m.changes) {
        s->serial++;
        s->has_refused = false;
        fits = transmit(s, &m);
    }
    if (!s->is_pending)
        holding_dispose(&s->pending);
    update_write_dispose(&m.update);
    return fits;
}

void subscriber_settle(struct subscriber *s, bool accepted)
{
    struct slice address;
    void *value;
    struct holding *old = accepted ? &s->have : &s->pending;
    holding_dispose(old);
    if (accepted)
        s->have = s->pending;
    s->pending = (struct holding){0};
    s->is_pending = false;
    for (size_t at = 0; map_next(&s->interests, &at, &address, &value);) {
        struct interest *one = value;
        if (accepted && one->is_telling) {
            one->told = one->telling;
            one->is_told = true;
        }
        one->is_telling = false;
    }
}
