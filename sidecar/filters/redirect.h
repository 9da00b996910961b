/* Gateway API RequestRedirect: the client is told where to go instead.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "filters/filter.h"
#include "sidecar/filters/path_modifier.h"

struct redirect_conf {
    struct slice scheme;    /* empty: the request's */
    struct slice hostname;  /* empty: the request's */
    uint16_t port;          /* 0: the scheme's own when scheme is given, else listener_port */
    uint16_t listener_port; /* what the client connected to, as the route's parent names it */
    uint16_t status;
    struct path_modifier path;
};

extern const struct filter filter_redirect;
