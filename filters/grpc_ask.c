/* Unary calls. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/grpc_ask.h"

void grpc_ask_prepare(struct filter_call *call, struct arena *arena, struct slice method,
                      struct slice frame, uint32_t timeout_ms)
{
    struct message *m = filter_call_request(call, arena, SLICE("POST"), method);
    headers_add_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/grpc"));
    headers_add_id(&m->headers, HEADER_TE, SLICE("trailers"));
    headers_add(&m->headers, SLICE("grpc-timeout"), arena_printf(arena, "%um", timeout_ms));
    grpc_frame_write((uint8_t *)(uintptr_t)frame.ptr, frame.len - GRPC_FRAME_PREFIX);
    call->body = frame;
    call->timeout_ms = timeout_ms;
}

/* In the trailers, or in the head where nothing else follows it. */
static struct slice status_of(const struct filter_call *call)
{
    const struct headers *in = call->trailers;
    struct slice status = in ? headers_get_id(in, HEADER_GRPC_STATUS) : SLICE("");
    return status.len ? status : headers_get_id(&call->response->headers, HEADER_GRPC_STATUS);
}

bool grpc_ask_answer(const struct filter_call *call, struct arena *arena, struct slice *message,
                     struct slice *why)
{
    struct slice body = call->response_body;
    if (call->failed) {
        *why = call->failed->label;
        return false;
    }
    if (call->response->status != 200) {
        *why = arena_printf(arena, "it answered with HTTP status %u", call->response->status);
        return false;
    }
    struct slice status = status_of(call);
    if (!slice_eq_cstr(status, "0")) {
        *why = status.len && status.len <= 2
                   ? arena_printf(arena, "it answered with gRPC status %.*s", SLICE_ARG(status))
                   : SLICE("it answered without a gRPC status");
        return false;
    }
    if (!grpc_frame_only(body, message)) {
        *why = SLICE("its answer is not one message");
        return false;
    }
    return true;
}
