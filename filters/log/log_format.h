/* What a line of the access log says, as data: texts, and fields of the request between them.
 * Compiled once, from Envoy's %RESPONSE_CODE%, nginx's $status and API Gateway's $context.status,
 * which may stand beside each other; what writes the line is sidecar/telemetry/access_format.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"

#define LOG_FORMAT_MAX 4096u /* bytes of the texts of one format */
#define LOG_FORMAT_FIELDS_MAX 100u

/* Numbers come last: in JSON they stand without quotes. */
enum log_field {
    LOG_LITERAL,
    LOG_TIME,       /* 2026-01-02T03:04:05.678Z */
    LOG_TIME_LOCAL, /* 02/Jan/2026:03:04:05 +0000 */
    LOG_REQUEST,    /* GET /x HTTP/1.1 */
    LOG_METHOD,
    LOG_PATH,       /* with its query */
    LOG_PATH_ONLY,
    LOG_QUERY,
    LOG_PROTOCOL,
    LOG_AUTHORITY,
    LOG_FLAGS,
    LOG_DETAILS,
    LOG_REASON,
    LOG_REQUEST_ID,
    LOG_TRACE_ID,
    LOG_CLIENT,    /* address and port */
    LOG_CLIENT_IP,
    LOG_DIRECT,
    LOG_LOCAL,
    LOG_UPSTREAM,
    LOG_UPSTREAM_LOCAL,
    LOG_CLUSTER,
    LOG_ROUTE,
    LOG_SNI,
    LOG_PEER,
    LOG_CONSUMER,
    LOG_DIRECTION,
    LOG_REQUEST_HEADER,
    LOG_RESPONSE_HEADER,
    LOG_STATUS,
    LOG_GRPC_STATUS,
    LOG_RECEIVED,
    LOG_SENT,
    LOG_DURATION_MS,
    LOG_DURATION_S, /* 0.050 */
    LOG_UPSTREAM_MS,
    LOG_UPSTREAM_S,
    LOG_ATTEMPTS,
    LOG_TIME_EPOCH_MS,
};

#define LOG_FIRST_NUMBER LOG_STATUS

struct log_piece {
    enum log_field field;
    struct slice text; /* the literal; the name of a header, in lower case */
    uint16_t header;   /* enum header_id */
    bool is_bare;      /* a number in JSON: null when it is missing, not "-" */
};

/* Immutable. */
struct log_format {
    const struct log_piece *pieces;
    uint32_t count;
    uint32_t literal_bytes;
};

/* The text is kept. NULL, or what is wrong with it, in the arena. */
MUST_USE const char *log_format_text(struct arena *a, struct slice text, struct log_format *out);

/* A JSON object, one member at a time. */
struct log_format_json {
    struct arena *arena;
    struct log_piece *pieces;
    uint32_t count, room;
};

void log_format_json_begin(struct log_format_json *j, struct arena *a);
/* A value that is nothing but a number stands without quotes. */
MUST_USE const char *log_format_json_member(struct log_format_json *j, struct slice name,
                                            struct slice value);
MUST_USE const char *log_format_json_end(struct log_format_json *j, struct log_format *out);
