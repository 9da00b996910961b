/* The rewrite filter.
 * Worker thread. Must not know where the request goes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/rewrite.h"

#include "sidecar/exchange.h"

static enum verdict on_request(struct exchange *ex, const void *conf, void *ctx)
{
    const struct rewrite_conf *c = conf;
    struct message *request = exchange_request(ex);
    (void)ctx;
    if (c->hostname.len)
        request->authority = c->hostname;
    if (c->path.kind != PATH_KEEP)
        request->path = path_modifier_apply(&c->path, exchange_arena(ex), request->path,
                                            exchange_match_path(ex));
    return VERDICT_NEXT;
}

const struct filter_ops rewrite_ops = {
    .name = "rewrite",
    .on_request = on_request,
};
