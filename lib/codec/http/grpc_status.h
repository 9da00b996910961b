/* How gRPC says what came of a call: status codes, and the text that goes with one in grpc-message
 * (grpc.io, "gRPC over HTTP2"). Pure. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/slice.h"

enum grpc_status {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16,
};

/* For answers that carry no grpc-status (grpc/doc/http-grpc-status-mapping.md). */
enum grpc_status grpc_status_from_http(unsigned http_status);
/* Printable ASCII as it is; everything else, '%', and spaces at both ends escaped. */
struct slice grpc_text_encode(struct arena *a, struct slice text);
