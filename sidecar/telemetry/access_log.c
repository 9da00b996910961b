/* Formatting access records into a line on the stack. Whatever a peer sent is escaped: a line
 * stays one line, and a field one field. Worker thread. Must not know where a record comes from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/access_log.h"

#include "lib/base/log.h"
#include "sidecar/telemetry/line.h"

enum { LINE_END_MAX = 8 };

/* ---- Istio's text ---- */

static void text_field(struct line *l, struct slice s)
{
    line_put_text(l, " ");
    if (s.len)
        line_put_escaped(l, s);
    else
        line_put_text(l, "-");
}

static void text_quoted(struct line *l, struct slice s)
{
    line_put_text(l, " \"");
    if (s.len)
        line_put_escaped(l, s);
    else
        line_put_text(l, "-");
    line_put_text(l, "\"");
}

static void text_number(struct line *l, uint64_t n)
{
    line_put_text(l, " ");
    line_put_u64(l, n);
}

static void text_addr(struct line *l, const struct addr *a)
{
    line_put_text(l, " ");
    if (a->family)
        line_put_addr(l, a);
    else
        line_put_text(l, "-");
}

static void text_request(struct line *l, const struct access_record *r)
{
    line_put_text(l, "[");
    line_put_time(l, r->start_ms);
    line_put_text(l, "] \"");
    line_put_escaped(l, r->method.len ? r->method : SLICE("-"));
    text_field(l, r->path);
    text_field(l, r->protocol);
    line_put_text(l, "\"");
}

static void text_upstream_host(struct line *l, const struct access_record *r)
{
    line_put_text(l, " \"");
    if (r->upstream_host.family)
        line_put_addr(l, &r->upstream_host);
    else
        line_put_text(l, "-");
    line_put_text(l, "\"");
}

/* The field order of Istio's default format; our reason stands where it has the termination
 * details. */
size_t access_log_format_text(const struct access_record *r, char to[ACCESS_LOG_LINE_MAX])
{
    struct line l = {to, 0, ACCESS_LOG_LINE_MAX - LINE_END_MAX};
    text_request(&l, r);
    text_number(&l, r->status);
    text_field(&l, r->flags);
    text_field(&l, r->details);
    line_put_text(&l, " -");
    text_quoted(&l, r->reason);
    text_number(&l, r->bytes_received);
    text_number(&l, r->bytes_sent);
    text_number(&l, r->duration_us / 1000);
    if (r->upstream_us >= 0)
        text_number(&l, (uint64_t)r->upstream_us / 1000);
    else
        line_put_text(&l, " -");
    text_quoted(&l, r->forwarded_for);
    text_quoted(&l, r->user_agent);
    text_quoted(&l, r->request_id);
    text_quoted(&l, r->authority);
    text_upstream_host(&l, r);
    text_field(&l, r->upstream_cluster);
    text_addr(&l, &r->upstream_local);
    text_addr(&l, &r->downstream_local);
    text_addr(&l, &r->downstream_remote);
    text_field(&l, r->sni);
    text_field(&l, r->route);
    l.room = ACCESS_LOG_LINE_MAX;
    line_put_text(&l, "\n");
    return l.len;
}

/* ---- JSON ---- */

static void json_key(struct line *l, const char *key)
{
    line_put_text(l, l->to[l->len - 1] == '{' ? "\"" : ",\"");
    line_put_text(l, key);
    line_put_text(l, "\":");
}

/* A field that does not fit any more is left out whole, so that the line stays JSON. */
static bool json_fits(const struct line *l, size_t len)
{
    return l->room - l->len > len;
}

static size_t escaped_max(struct slice s)
{
    return (s.len > LINE_FIELD_MAX ? LINE_FIELD_MAX : s.len) * 6 + 64;
}

static void json_text(struct line *l, const char *key, struct slice value)
{
    if (value.len == 0 || !json_fits(l, escaped_max(value)))
        return;
    json_key(l, key);
    line_put_text(l, "\"");
    line_put_escaped(l, value);
    line_put_text(l, "\"");
}

static void json_number(struct line *l, const char *key, uint64_t n)
{
    if (!json_fits(l, 64))
        return;
    json_key(l, key);
    line_put_u64(l, n);
}

/* Milliseconds with three decimals. */
static void json_duration(struct line *l, const char *key, uint64_t us)
{
    unsigned rest = (unsigned)(us % 1000);
    char decimals[5] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                        (char)('0' + rest % 10), '\0'};
    if (!json_fits(l, 96))
        return;
    json_key(l, key);
    line_put_u64(l, us / 1000);
    line_put_text(l, decimals);
}

static void json_addr(struct line *l, const char *key, const struct addr *a)
{
    if (!a->family || !json_fits(l, ADDR_TEXT_MAX + 64))
        return;
    json_key(l, key);
    line_put_text(l, "\"");
    line_put_addr(l, a);
    line_put_text(l, "\"");
}

static void json_numbers(struct line *l, const struct access_record *r)
{
    json_number(l, "response_code", r->status);
    json_number(l, "bytes_received", r->bytes_received);
    json_number(l, "bytes_sent", r->bytes_sent);
    json_duration(l, "duration_ms", r->duration_us);
    if (r->upstream_us >= 0)
        json_duration(l, "upstream_ms", (uint64_t)r->upstream_us);
    if (r->attempts)
        json_number(l, "attempts", r->attempts);
    if (r->grpc_status >= 0)
        json_number(l, "grpc_status", (uint64_t)r->grpc_status);
}

static void json_peers(struct line *l, const struct access_record *r)
{
    json_addr(l, "upstream_host", &r->upstream_host);
    json_text(l, "upstream_cluster", r->upstream_cluster);
    json_addr(l, "upstream_local_address", &r->upstream_local);
    json_addr(l, "downstream_local_address", &r->downstream_local);
    json_addr(l, "downstream_remote_address", &r->downstream_remote);
    if (!addr_eq_ip(&r->downstream_direct, &r->downstream_remote))
        json_addr(l, "downstream_direct_remote_address", &r->downstream_direct);
    json_text(l, "requested_server_name", r->sni);
    json_text(l, "route_name", r->route);
    json_text(l, "source_principal", r->source_principal);
    json_text(l, "destination_principal", r->destination_principal);
    json_text(l, "connection_security_policy",
              r->is_mutual_tls ? SLICE("mutual_tls") : SLICE("none"));
}

size_t access_log_format_json(const struct access_record *r, char to[ACCESS_LOG_LINE_MAX])
{
    struct line l = {to, 0, ACCESS_LOG_LINE_MAX - LINE_END_MAX};
    line_put_text(&l, "{");
    json_key(&l, "start_time");
    line_put_text(&l, "\"");
    line_put_time(&l, r->start_ms);
    line_put_text(&l, "\"");
    json_text(&l, "direction", r->direction);
    json_text(&l, "protocol", r->protocol);
    json_text(&l, "response_flags", r->flags);
    json_text(&l, "response_code_details", r->details);
    json_numbers(&l, r);
    json_text(&l, "method", r->method);
    json_text(&l, "request_id", r->request_id);
    json_text(&l, "trace_id", r->trace_id);
    json_peers(&l, r);
    json_text(&l, "authority", r->authority);
    json_text(&l, "path", r->path);
    json_text(&l, "reason", r->reason);
    json_text(&l, "x_forwarded_for", r->forwarded_for);
    json_text(&l, "user_agent", r->user_agent);
    json_text(&l, "consumer", r->consumer);
    l.room = ACCESS_LOG_LINE_MAX;
    line_put_text(&l, "}\n");
    return l.len;
}

void access_log_write(const struct access_record *r, bool json)
{
    char line[ACCESS_LOG_LINE_MAX];
    size_t len = json ? access_log_format_json(r, line) : access_log_format_text(r, line);
    log_access(slice_of(line, len));
}
