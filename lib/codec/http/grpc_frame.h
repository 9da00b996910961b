/* The prefix in front of each message of gRPC (grpc.io, "gRPC over HTTP2"): a byte that says
 * whether it is compressed, and its length. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/base/slice.h"

#define GRPC_FRAME_PREFIX 5 /* bytes */

/* Of a message of that length that is not compressed. */
void grpc_frame_write(uint8_t to[GRPC_FRAME_PREFIX], size_t len);
/* False: the body is not exactly one message that is not compressed. */
MUST_USE bool grpc_frame_only(struct slice body, struct slice *message);
