/* Gateway API URLRewrite: another host, another path, before the request is sent on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"
#include "filters/filter.h"
#include "sidecar/filters/path_modifier.h"

struct rewrite_conf {
    struct slice hostname; /* empty: as it is */
    struct path_modifier path;
};

/* match_path: the canonical form of the request's path. */
void rewrite_request(const struct rewrite_conf *c, struct message *request, struct arena *arena,
                     struct slice match_path);

extern const struct filter filter_rewrite;
