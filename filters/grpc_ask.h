/* One unary call of gRPC (grpc.io "gRPC over HTTP2") as a filter makes it: the request around a
 * message, and what an answer says. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "lib/codec/http/grpc_frame.h"

/* Makes call's request to that method ("/package.Service/Method"). frame: room for a prefix of
 * GRPC_FRAME_PREFIX bytes, which is written, and the message behind it; it is kept and not copied.
 * timeout_ms is told to the server too. */
void grpc_ask_prepare(struct filter_call *call, struct arena *arena, struct slice method,
                      struct slice frame, uint32_t timeout_ms);
/* Of a call that is done. True: it succeeded, with this message. False: *why says why not, as a
 * part of a sentence; it is constant or lies in the arena. */
MUST_USE bool grpc_ask_answer(const struct filter_call *call, struct arena *arena,
                              struct slice *message, struct slice *why);
