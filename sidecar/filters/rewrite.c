/* The rewrite filter.
 * Worker thread. Must not know where the request goes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/rewrite.h"


void rewrite_request(const struct rewrite_conf *c, struct message *request, struct arena *arena,
                     struct slice match_path)
{
    if (c->hostname.len)
        request->authority = c->hostname;
    if (c->path.kind != PATH_KEEP)
        request->path = path_modifier_apply(&c->path, arena, request->path, match_path);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)ctx;
    rewrite_request(conf, x->request, x->arena, x->match_path);
    return FILTER_NEXT;
}

const struct filter filter_rewrite = {
    .name = "rewrite",
    .phase = FILTER_PHASE_TRANSFORM,
    .on_request = on_request,
};
