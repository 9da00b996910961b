/* The rewrite filter.
 * Worker thread. Must not know where the request goes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/rewrite.h"

#include "sidecar/exchange.h"

void rewrite_request(const struct rewrite_conf *c, struct message *request, struct arena *arena,
                     struct slice match_path)
{
    if (c->hostname.len)
        request->authority = c->hostname;
    if (c->path.kind != PATH_KEEP)
        request->path = path_modifier_apply(&c->path, arena, request->path, match_path);
}

static enum verdict on_request(struct exchange *ex, const void *conf, void *ctx)
{
    (void)ctx;
    rewrite_request(conf, exchange_request(ex), exchange_arena(ex), exchange_match_path(ex));
    return VERDICT_NEXT;
}

const struct filter_ops rewrite_ops = {
    .name = "rewrite",
    .on_request = on_request,
};
