/* Counts of open streams by peer. A peer without any is forgotten, so memory follows what is open,
 * and whoever leaves and comes back starts anew.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/peer_streams.h"

#include "lib/base/mem.h"

struct peer_stream {
    size_t count;
    bool was_refused;
};

void peer_streams_init(struct peer_streams *p, size_t max)
{
    map_init(&p->peers);
    p->max = max;
}

void peer_streams_dispose(struct peer_streams *p)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&p->peers, &at, &key, &value);)
        mem_free(value);
    map_dispose(&p->peers);
}

bool peer_streams_take(struct peer_streams *p, struct slice peer, bool *is_news)
{
    struct peer_stream *one = map_get(&p->peers, peer);
    *is_news = false;
    if (one && p->max && one->count >= p->max) {
        *is_news = !one->was_refused;
        one->was_refused = true;
        return false;
    }
    if (!one) {
        one = mem_zalloc(sizeof *one);
        (void)map_put(&p->peers, peer, one);
    }
    one->count++;
    return true;
}

void peer_streams_give(struct peer_streams *p, struct slice peer)
{
    struct peer_stream *one = map_get(&p->peers, peer);
    if (!one)
        return;
    one->count--;
    if (one->count < p->max / 2)
        one->was_refused = false;
    if (one->count)
        return;
    (void)map_remove(&p->peers, peer);
    mem_free(one);
}
