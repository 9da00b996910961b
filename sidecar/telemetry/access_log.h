/* One line for each request, opaque connection or flow of datagrams, as JSON or in Istio's
 * text format. Worker thread; nothing is allocated.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/slice.h"
#include "lib/codec/http/message.h"

#define ACCESS_LOG_LINE_MAX 8192 /* longer fields are cut so that a line fits */

/* Everything that is known at the end. Empty texts and addresses of family 0 are shown as "-"
 * (text) or left out (JSON). */
struct access_record {
    int64_t start_ms;          /* wall clock */
    struct slice direction;    /* "inbound", "outbound", "ingress" */
    struct slice method, path; /* as the client sent them */
    struct slice protocol;     /* "HTTP/1.1", "HTTP/2", "TCP", "UDP" */
    struct slice authority;
    uint16_t status;         /* 0: none (TCP, UDP, or gone before there was one) */
    int16_t grpc_status;     /* -1: none */
    struct slice flags;      /* fail_info's */
    struct slice details;    /* fail_info's label, or "via_upstream" */
    struct slice reason;     /* the sentence: which policy denied, what the handshake failed of */
    uint64_t bytes_received; /* of the body, from downstream */
    uint64_t bytes_sent;
    uint64_t duration_us;
    int64_t upstream_us; /* until the response's head; -1: none */
    uint32_t attempts;
    struct slice forwarded_for, user_agent, request_id;
    struct slice trace_id; /* of traceparent */
    struct addr upstream_host, upstream_local, downstream_local;
    struct addr downstream_remote; /* the client, as far as proxies in front are trusted */
    struct addr downstream_direct; /* the connection's other end */
    struct slice upstream_cluster, route, sni;
    struct slice source_principal, destination_principal;
    struct slice consumer; /* "shop/mobile-app": who was authenticated */
    bool is_mutual_tls;    /* downstream */
    const struct headers *request_headers, *response_headers; /* NULL: none; for formats */
};

void access_log_write(const struct access_record *r, bool json);
/* The line itself, newline included; its length. */
size_t access_log_format_text(const struct access_record *r, char to[ACCESS_LOG_LINE_MAX]);
size_t access_log_format_json(const struct access_record *r, char to[ACCESS_LOG_LINE_MAX]);
