/* Which mirrors of a route and its backend get a copy of this request. Worker thread; what becomes
 * of a copy is for mirror.c to know, and nothing here waits for it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/rand.h"
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/exchange/mirror.h"

static bool is_hit(struct exchange *ex, const struct mirror_conf *m)
{
    return m->cluster && (m->numerator == m->denominator ||
                          rand_below(&ex->worker->rand, m->denominator) < m->numerator);
}

static void open_copies(struct exchange *ex, const struct mirror_conf *mirrors, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (!is_hit(ex, &mirrors[i]))
            continue;
        struct cluster *to = cluster_of(&ex->worker->clusters, mirrors[i].cluster);
        mirror_open(to, ex->request, exchange_version_for(ex, to->conf), &ex->client.client,
                    ex->up.client, &ex->copies);
    }
}

void exchange_copy_request(struct exchange *ex)
{
    /* Nobody would be there to speak for the client on a switched connection. */
    if (message_may_switch(ex->request))
        return;
    if (!ex->route->mirror_count && !(ex->backend && ex->backend->mirror_count))
        return;
    open_copies(ex, ex->route->mirrors, ex->route->mirror_count);
    if (ex->backend)
        open_copies(ex, ex->backend->mirrors, ex->backend->mirror_count);
    if (list_is_empty(&ex->copies))
        return;
    mirror_give_buf(&ex->copies, &ex->request_body);
    if (has(ex, GOT_REQUEST_END))
        mirror_give_end(&ex->copies, ex->request_trailers);
}
