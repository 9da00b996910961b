/* lib/io/listener.h without sockets: what is open is remembered, and what comes in by it is what a
 * test says (most hand connections to sessions themselves).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/listener.h"

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "tests/sim/sim_net.h"

struct listener {
    struct list node;
    struct addr at;
    listener_accept_fn on_accept;
    void *owner;
};

static struct list listeners = {&listeners, &listeners};
static enum err refusal;

void sim_net_refuse_listeners(enum err why)
{
    refusal = why;
}

enum err sim_net_listener_refusal(void)
{
    return refusal;
}

unsigned sim_net_listeners(void)
{
    unsigned count = 0;
    LIST_FOREACH(node, &listeners)
    {
        count++;
    }
    return count;
}

bool sim_net_listens_at(const struct addr *at)
{
    LIST_FOREACH(node, &listeners)
    {
        if (addr_eq(&container_of(node, struct listener, node)->at, at))
            return true;
    }
    return false;
}

void sim_net_arrive(const struct addr *at, struct stream *accepted)
{
    LIST_FOREACH_SAFE(node, next, &listeners)
    {
        struct listener *l = container_of(node, struct listener, node);
        if (addr_eq(&l->at, at))
            l->on_accept(l, accepted);
    }
}

enum err listener_open(struct loop *l, const struct addr *at,
                       const struct listener_options *options, listener_accept_fn on_accept,
                       void *owner, struct listener **out)
{
    (void)l;
    (void)options;
    if (refusal)
        return refusal;
    struct listener *made = mem_zalloc(sizeof(*made));
    made->at = *at;
    made->on_accept = on_accept;
    made->owner = owner;
    list_link_last(&listeners, &made->node);
    *out = made;
    return ERR_OK;
}

void *listener_owner(const struct listener *l)
{
    return l->owner;
}

void listener_addr(const struct listener *l, struct addr *out)
{
    *out = l->at;
}

void listener_close(struct listener *l)
{
    list_unlink(&l->node);
    mem_free(l);
}
