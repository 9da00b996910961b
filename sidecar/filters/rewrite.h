/* Gateway API URLRewrite: another host, another path, before the request is sent on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/filters/filter.h"
#include "sidecar/filters/path_modifier.h"

struct rewrite_conf {
    struct slice hostname; /* empty: as it is */
    struct path_modifier path;
};

extern const struct filter_ops rewrite_ops;
