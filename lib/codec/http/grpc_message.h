/* The text of a gRPC status, as the header grpc-message has it (grpc.io, "gRPC over HTTP2"). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/slice.h"

/* Printable ASCII as it is, everything else and '%' escaped. */
struct slice grpc_message_escape(struct arena *arena, struct slice text);
