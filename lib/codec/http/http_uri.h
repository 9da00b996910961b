/* URIs of documents that are fetched: "https://login.example.com/keys" (RFC 9110 §4.2), taken apart
 * strictly: lower-case scheme, a host that is a name or an address, no user, no fragment, nothing
 * that another reader could take for something else. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct http_uri {
    bool is_tls;
    struct slice host;      /* without brackets */
    struct slice authority; /* as it stands: with brackets and port */
    uint16_t port;          /* 80 or 443 where none is said */
    struct slice path;      /* with query; "/" where none is said */
};

/* Views of text. False: it is none. */
bool http_uri_read(struct slice text, struct http_uri *out);
