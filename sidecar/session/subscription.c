/* Destinations by address. Worker thread. Must not know how policyd is asked, nor what a snapshot
 * says about a destination.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/session/subscription.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "sidecar/control/app.h"
#include "sidecar/session/session.h"
#include "sidecar/session/side.h"
#include "sidecar/worker/worker.h"

enum { KEY_LEN = 19 };

static struct slice key_of(const struct addr *a, char key[KEY_LEN])
{
    key[0] = (char)a->family;
    key[1] = (char)(a->port >> 8);
    key[2] = (char)(a->port & 0xff);
    memcpy(key + 3, a->ip, sizeof(a->ip));
    return slice_of(key, KEY_LEN);
}

void subscription_table_init(struct subscription_table *t, struct worker *w)
{
    *t = (struct subscription_table){.worker = w};
    t->limit = SUBSCRIPTION_MAX / (w->settings->workers ? w->settings->workers : 1);
    map_init(&t->by_addr);
    list_init(&t->unused);
}

void subscription_table_dispose(struct subscription_table *t)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&t->by_addr, &at, &key, &value);)
        mem_free(value);
    map_dispose(&t->by_addr);
}

static struct subscription *find(const struct subscription_table *t, const struct addr *to)
{
    char key[KEY_LEN];
    return map_get(&t->by_addr, key_of(to, key));
}

static void let_go(struct subscription_table *t, struct subscription *i)
{
    char key[KEY_LEN];
    app_note_interest(t->worker->app, t->worker, &i->to, false);
    list_unlink(&i->unused);
    map_remove(&t->by_addr, key_of(&i->to, key));
    mem_free(i);
}

static struct subscription *make(struct subscription_table *t, const struct addr *to)
{
    char key[KEY_LEN];
    if (t->by_addr.count >= t->limit) {
        if (list_is_empty(&t->unused))
            return NULL;
        let_go(t, container_of(t->unused.next, struct subscription, unused));
    }
    struct subscription *i = mem_zalloc(sizeof(*i));
    i->to = *to;
    list_init(&i->unused);
    list_init(&i->parked);
    map_put(&t->by_addr, key_of(to, key), i);
    app_note_interest(t->worker->app, t->worker, to, true);
    return i;
}

struct subscription *subscription_pin(struct subscription_table *t, const struct addr *to)
{
    struct subscription *i = find(t, to);
    if (!i)
        i = make(t, to);
    if (!i)
        return NULL;
    i->sessions++;
    list_unlink(&i->unused);
    return i;
}

void subscription_unpin(struct subscription_table *t, struct subscription *i)
{
    if (--i->sessions > 0)
        return;
    i->unused_since_ms = loop_now_ms(t->worker->loop);
    list_link_last(&t->unused, &i->unused);
}

void subscription_park(struct subscription *i, struct list *node)
{
    list_link_last(&i->parked, node);
}

static void answer(struct subscription *i)
{
    struct list *node;
    i->is_answered = true;
    i->given_up_ms = 0;
    while ((node = list_take_first(&i->parked)))
        side_outbound_resume(container_of(node, struct session, parked));
}

void subscription_table_answer(struct subscription_table *t, const struct addr *addrs, size_t count,
                               bool is_connected)
{
    t->is_connected = is_connected;
    for (size_t n = 0; n < count; n++) {
        struct subscription *i = find(t, &addrs[n]);
        if (i)
            answer(i);
    }
}

void subscription_table_sweep(struct subscription_table *t, uint64_t now_ms, uint32_t idle_ms)
{
    while (!list_is_empty(&t->unused)) {
        struct subscription *i = container_of(t->unused.next, struct subscription, unused);
        if (now_ms - i->unused_since_ms < idle_ms)
            break;
        let_go(t, i);
    }
}
