/* A short list: a login more is rare, and a login that is not used any more is forgotten when there
 * is a new one. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/redis_room.h"

#include "sidecar/upstream/redis_link.h"

static struct redis_link *link_of(struct list *node)
{
    return container_of(node, struct redis_link, node);
}

void redis_room_init(struct redis_room *r)
{
    list_init(&r->links);
    r->is_draining = false;
}

void redis_room_dispose(struct redis_room *r)
{
    LIST_FOREACH_SAFE(node, next, &r->links)
    redis_link_destroy(link_of(node));
}

static void forget_unused(struct redis_room *r)
{
    LIST_FOREACH_SAFE(node, next, &r->links)
    {
        if (link_of(node)->state == REDIS_IDLE)
            redis_link_destroy(link_of(node));
    }
}

struct redis_link *redis_room_link(struct endpoint *e, const struct filter_redis_server *login)
{
    LIST_FOREACH(node, &e->redis.links)
    {
        if (redis_link_has(link_of(node), login))
            return link_of(node);
    }
    forget_unused(&e->redis);
    struct redis_link *l = redis_link_create(e, login);
    list_link_last(&e->redis.links, &l->node);
    return l;
}

bool redis_room_is_empty(const struct redis_room *r)
{
    for (struct list *node = r->links.next; node != &r->links; node = node->next)
        if (link_of(node)->stream)
            return false;
    return true;
}

void redis_room_drain(struct redis_room *r)
{
    r->is_draining = true;
    LIST_FOREACH_SAFE(node, next, &r->links)
    redis_link_rest(link_of(node));
}

void redis_room_review(struct redis_room *r)
{
    LIST_FOREACH_SAFE(node, next, &r->links)
    redis_link_review(link_of(node));
}
