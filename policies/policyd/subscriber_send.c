/* One update: from what a data plane has to what it should have, and which of its questions were
 * answered. Owned by the loop's thread. Must not know why it is due.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/subscriber.h"

#include "policies/compile/discovery.h"
#include "policies/policyd/update_write.h"

struct making {
    struct update_write update;
    size_t changes;
};

static void add_new(void *owner, const struct held *wanted)
{
    struct making *m = owner;
    update_write_resource(&m->update, wanted->packed);
    m->changes++;
}

static void add_gone(void *owner, const struct held *had)
{
    struct making *m = owner;
    update_write_removed(&m->update, packed_resource_name_text(had->name));
    m->changes++;
}

/* What was asked and is not answered; known: and needs no resource but those that it has. */
static void add_answers(struct subscriber *s, struct making *m, bool known)
{
    struct slice address;
    void *value;
    for (size_t at = 0; map_next(&s->subscriptions, &at, &address, &value);) {
        struct subscribed_address *one = value;
        const struct answer *answer = answer_of(&one->answer);
        one->is_telling = (!one->is_told || one->told != answer->names) &&
                          (!known || version_set_has_answer(&s->have, answer));
        if (!one->is_telling)
            continue;
        one->telling = answer->names;
        update_write_answer(&m->update, address, answer);
        m->changes++;
    }
}

static void gather(struct subscriber *s, struct version_set *wanted)
{
    struct slice address;
    void *value;
    version_set_add_answer(wanted, answer_of(&s->base));
    for (size_t at = 0; map_next(&s->subscriptions, &at, &address, &value);)
        version_set_add_answer(wanted, answer_of(&((struct subscribed_address *)value)->answer));
    version_set_settle(wanted);
}

/* False: it does not fit into a message. */
static bool transmit(struct subscriber *s, struct making *m)
{
    struct subscriber_list *r = s->subscribers;
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

/* What it refused once it would refuse again. But its app goes on asking, and what can be answered
 * with what it has is: else every new connection would wait in vain for the rest. Who has nothing
 * yet is told nothing, so that nobody starts without what it should have. */
static void make_answers_alone(struct subscriber *s, struct making *m)
{
    version_set_dispose(&s->pending);
    if (!s->have.count)
        return;
    version_set_copy(&s->have, &s->pending);
    add_answers(s, m, true);
}

static void make_whole(struct subscriber *s, struct making *m)
{
    static const struct version_set_events events = {add_new, add_gone};
    m->changes = s->is_first;
    s->has_refused = false;
    version_set_compare(&s->have, &s->pending, &events, m);
    add_answers(s, m, false);
    version_set_forget_packed(&s->pending);
}

bool subscriber_send(struct subscriber *s)
{
    struct making m = {0};
    bool fits = true;
    update_write_init(&m.update);
    update_write_serial(&m.update, s->serial + 1);
    gather(s, &s->pending);
    if (s->has_refused && s->refused_digest == s->pending.digest)
        make_answers_alone(s, &m);
    else
        make_whole(s, &m);
    if (m.changes) {
        s->serial++;
        fits = transmit(s, &m);
    }
    if (!s->is_pending)
        version_set_dispose(&s->pending);
    update_write_dispose(&m.update);
    return fits;
}

void subscriber_settle(struct subscriber *s, bool accepted)
{
    struct slice address;
    void *value;
    struct version_set *old = accepted ? &s->have : &s->pending;
    version_set_dispose(old);
    if (accepted)
        s->have = s->pending;
    s->pending = (struct version_set){0};
    s->is_pending = false;
    for (size_t at = 0; map_next(&s->subscriptions, &at, &address, &value);) {
        struct subscribed_address *one = value;
        if (accepted && one->is_telling) {
            one->told = one->telling;
            one->is_told = true;
        }
        one->is_telling = false;
    }
}
