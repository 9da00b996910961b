/* What both ends of the discovery stream (proto/discovery.proto) must agree on. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/slice.h"

#define DISCOVERY_PATH "/weft.discovery.v1.Discovery/Stream"
/* One message of the stream, at most. */
#define DISCOVERY_MESSAGE_MAX (16u << 20)

/* The part of one resource in a digest; the digest of many is the exclusive or of their parts, so
 * that it can be kept up to date one resource at a time. */
uint64_t discovery_digest_part(struct slice name, uint64_t version);
