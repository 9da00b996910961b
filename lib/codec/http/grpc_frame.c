/* Messages in a body of gRPC. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/grpc_frame.h"

void grpc_frame_write(uint8_t to[GRPC_FRAME_PREFIX], size_t len)
{
    to[0] = 0;
    for (int i = 1; i < GRPC_FRAME_PREFIX; i++)
        to[i] = (uint8_t)(len >> (8 * (GRPC_FRAME_PREFIX - 1 - i)));
}

bool grpc_frame_only(struct slice body, struct slice *message)
{
    const uint8_t *prefix = (const uint8_t *)body.ptr;
    if (body.len < GRPC_FRAME_PREFIX || prefix[0] != 0)
        return false;
    size_t len = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 |
                 prefix[4];
    if (len != body.len - GRPC_FRAME_PREFIX)
        return false;
    *message = slice_sub(body, GRPC_FRAME_PREFIX, body.len);
    return true;
}
