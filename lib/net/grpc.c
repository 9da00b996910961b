/* gRPC's own encodings: statuses, frames, timeouts, texts. Pure; any thread. Must not know
 * connections or services.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc.h"

#include "lib/codec/http/message.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/percent.h"

enum { PREFIX = 5, TIMEOUT_DIGITS_MAX = 8 };

static const char *const names[] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

const char *grpc_status_name(enum grpc_status status)
{
    size_t i = (size_t)status;
    return i < sizeof(names) / sizeof(names[0]) ? names[i] : "UNKNOWN";
}

enum grpc_status grpc_status_from_err(enum err e)
{
    switch (e) {
    case ERR_OK:
        return GRPC_OK;
    case ERR_CANCELED:
        return GRPC_CANCELLED;
    case ERR_TIMEOUT:
        return GRPC_DEADLINE_EXCEEDED;
    case ERR_LIMIT:
    case ERR_OVERLOAD:
        return GRPC_RESOURCE_EXHAUSTED;
    case ERR_PROTOCOL:
    case ERR_SYNTAX:
        return GRPC_INTERNAL;
    case ERR_DENIED:
        return GRPC_PERMISSION_DENIED;
    case ERR_UNSUPPORTED:
        return GRPC_UNIMPLEMENTED;
    default:
        return GRPC_UNAVAILABLE;
    }
}

enum grpc_status grpc_status_parse(struct slice value)
{
    uint64_t n;
    if (value.len > 2 || slice_to_u64(value, &n) || n >= sizeof(names) / sizeof(names[0]))
        return GRPC_UNKNOWN;
    return (enum grpc_status)n;
}

void grpc_frame(struct buf *out, const void *message, size_t len)
{
    uint8_t prefix[PREFIX] = {0, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                              (uint8_t)len};
    buf_append(out, prefix, sizeof(prefix));
    if (len)
        buf_append(out, message, len);
}

void grpc_reader_init(struct grpc_reader *r, size_t max)
{
    buf_init(&r->in);
    r->max = max;
}

void grpc_reader_dispose(struct grpc_reader *r)
{
    buf_dispose(&r->in);
}

enum err grpc_reader_next(struct grpc_reader *r, char **message, size_t *len)
{
    uint8_t prefix[PREFIX];
    if (r->in.len < PREFIX)
        return ERR_AGAIN;
    buf_copy_out(&r->in, prefix, PREFIX);
    size_t n =
        (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
    if (prefix[0])
        return ERR_UNSUPPORTED;
    if (n > r->max)
        return ERR_LIMIT;
    if (r->in.len - PREFIX < n)
        return ERR_AGAIN;
    buf_drain(&r->in, PREFIX);
    char *out = mem_alloc(n + 1);
    buf_copy_out(&r->in, out, n);
    out[n] = 0;
    buf_drain(&r->in, n);
    *message = out;
    *len = n;
    return ERR_OK;
}

enum err grpc_timeout_parse(struct slice value, uint32_t *ms)
{
    static const struct {
        char unit;
        uint64_t ns;
    } units[] = {{'H', 3600000000000u}, {'M', 60000000000u}, {'S', 1000000000u},
                 {'m', 1000000u},       {'u', 1000u},        {'n', 1u}};
    uint64_t n;
    if (value.len < 2 || value.len > TIMEOUT_DIGITS_MAX + 1 ||
        slice_to_u64(slice_sub(value, 0, value.len - 1), &n))
        return ERR_SYNTAX;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].unit != value.ptr[value.len - 1])
            continue;
        uint64_t total = units[i].ns >= 1000000 ? n * (units[i].ns / 1000000)
                                                : (n * units[i].ns + 999999) / 1000000;
        *ms = total > UINT32_MAX ? UINT32_MAX : (uint32_t)total;
        return ERR_OK;
    }
    return ERR_SYNTAX;
}

struct slice grpc_timeout_format(uint32_t ms, char text[GRPC_TIMEOUT_TEXT_MAX])
{
    /* At most eight digits. */
    bool fits = ms <= 99999999;
    int n = snprintf(text, GRPC_TIMEOUT_TEXT_MAX, fits ? "%um" : "%uS",
                     fits ? ms : ms / 1000 + (ms % 1000 != 0));
    return slice_of(text, (size_t)n);
}

struct slice grpc_text_decode(struct arena *a, struct slice text)
{
    return percent_decode(text, arena_alloc(a, text.len + 1));
}

bool grpc_is_content_type(struct slice value)
{
    return message_type_is_grpc(value);
}
