/* Formatting access records into a line on the stack. Whatever a peer sent is escaped: a line stays
 * one line, and a field one field. Worker thread. Must not know where a record comes from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/access_log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/log.h"
#include "lib/base/utf8.h"

struct line {
    char *to;
    size_t len, room; /* of room, the end is kept for what closes the line */
    const char *separator;
};

enum { LINE_END_MAX = 8 };

static void put(struct line *l, const char *text, size_t len)
{
    if (len > l->room - l->len)
        len = l->room - l->len;
    memcpy(l->to + l->len, text, len);
    l->len += len;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

static void put_u64(struct line *l, uint64_t n)
{
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    put(l, digits + at, sizeof(digits) - at);
}

/* ---- escaping ---- */

static size_t plain_run(struct slice s)
{
    size_t at = 0;
    while (at < s.len) {
        unsigned char c = (unsigned char)s.ptr[at];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            break;
        size_t len = utf8_front(slice_sub(s, at, s.len));
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

/* Room for all of an escape, or none of it. */
static void put_escape(struct line *l, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[7] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], '\0'};
    if (c == '"' || c == '\\') {
        text[1] = (char)c;
        text[2] = '\0';
    } else if (c >= 0x80 || c == 0) { /* many JSON parsers take no NUL */
        memcpy(text, "\xef\xbf\xbd", 4);
    }
    if (l->room - l->len >= sizeof(text))
        put_text(l, text);
}

static void put_escaped(struct line *l, struct slice s)
{
    s = slice_sub(s, 0, ACCESS_LOG_FIELD_MAX);
    while (s.len) {
        size_t run = plain_run(s);
        put(l, s.ptr, run);
        if (run < s.len)
            put_escape(l, (unsigned char)s.ptr[run++]);
        s = slice_sub(s, run, s.len);
    }
}

/* "2026-01-02T03:04:05.678Z"; the date is computed once a second. */
static void put_time(struct line *l, int64_t wall_ms)
{
    static _Thread_local int64_t known_second = INT64_MIN;
    static _Thread_local char known[24];
    int64_t second = wall_ms >= 0 ? wall_ms / 1000 : 0;
    if (second != known_second) {
        time_t t = (time_t)second;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(known, sizeof(known), "%Y-%m-%dT%H:%M:%S", &tm);
        known_second = second;
    }
    char millis[8];
    snprintf(millis, sizeof(millis), ".%03uZ", (unsigned)(wall_ms >= 0 ? wall_ms % 1000 : 0));
    put_text(l, known);
    put_text(l, millis);
}

static void put_addr(struct line *l, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    put_text(l, addr_format(a, text));
}

/* ---- Istio's text ---- */

static void text_field(struct line *l, struct slice s)
{
    put_text(l, " ");
    if (s.len)
        put_escaped(l, s);
    else
        put_text(l, "-");
}

static void text_quoted(struct line *l, struct slice s)
{
    put_text(l, " \"");
    if (s.len)
        put_escaped(l, s);
    else
        put_text(l, "-");
    put_text(l, "\"");
}

static void text_number(struct line *l, uint64_t n)
{
    put_text(l, " ");
    put_u64(l, n);
}

static void text_addr(struct line *l, const struct addr *a)
{
    put_text(l, " ");
    if (a->family)
        put_addr(l, a);
    else
        put_text(l, "-");
}

static void text_request(struct line *l, const struct access_record *r)
{
    put_text(l, "[");
    put_time(l, r->start_ms);
    put_text(l, "] \"");
    put_escaped(l, r->method.len ? r->method : SLICE("-"));
    text_field(l, r->path);
    text_field(l, r->protocol);
    put_text(l, "\"");
}

static void text_upstream_host(struct line *l, const struct access_record *r)
{
    put_text(l, " \"");
    if (r->upstream_host.family)
        put_addr(l, &r->upstream_host);
    else
        put_text(l, "-");
    put_text(l, "\"");
}

/* The field order of Istio's default format; our reason stands where it has the termination
 * details. */
size_t access_log_format_text(const struct access_record *r, char to[ACCESS_LOG_LINE_MAX])
{
    struct line l = {to, 0, ACCESS_LOG_LINE_MAX - LINE_END_MAX, ""};
    text_request(&l, r);
    text_number(&l, r->status);
    text_field(&l, r->flags);
    text_field(&l, r->details);
    put_text(&l, " -");
    text_quoted(&l, r->reason);
    text_number(&l, r->bytes_received);
    text_number(&l, r->bytes_sent);
    text_number(&l, r->duration_us / 1000);
    if (r->upstream_us >= 0)
        text_number(&l, (uint64_t)r->upstream_us / 1000);
    else
        put_text(&l, " -");
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
    put_text(&l, "\n");
    return l.len;
}

/* ---- JSON ---- */

static void json_key(struct line *l, const char *key)
{
    put_text(l, l->separator);
    put_text(l, "\"");
    put_text(l, key);
    put_text(l, "\":");
    l->separator = ",";
}

/* A field that does not fit any more is left out whole, so that the line stays JSON. */
static bool json_fits(const struct line *l, size_t len)
{
    return l->room - l->len > len;
}

static size_t escaped_max(struct slice s)
{
    return (s.len > ACCESS_LOG_FIELD_MAX ? ACCESS_LOG_FIELD_MAX : s.len) * 6 + 64;
}

static void json_text(struct line *l, const char *key, struct slice value)
{
    if (value.len == 0 || !json_fits(l, escaped_max(value)))
        return;
    json_key(l, key);
    put_text(l, "\"");
    put_escaped(l, value);
    put_text(l, "\"");
}

static void json_number(struct line *l, const char *key, uint64_t n)
{
    if (!json_fits(l, 64))
        return;
    json_key(l, key);
    put_u64(l, n);
}

/* Milliseconds with three decimals. */
static void json_duration(struct line *l, const char *key, uint64_t us)
{
    char text[32];
    if (!json_fits(l, 96))
        return;
    snprintf(text, sizeof(text), "%llu.%03u", (unsigned long long)(us / 1000),
             (unsigned)(us % 1000));
    json_key(l, key);
    put_text(l, text);
}

static void json_addr(struct line *l, const char *key, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    if (a->family)
        json_text(l, key, slice_from_cstr(addr_format(a, text)));
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
    json_text(l, "requested_server_name", r->sni);
    json_text(l, "route_name", r->route);
    json_text(l, "source_principal", r->source_principal);
    json_text(l, "destination_principal", r->destination_principal);
    json_text(l, "connection_security_policy",
              r->is_mutual_tls ? SLICE("mutual_tls") : SLICE("none"));
}

size_t access_log_format_json(const struct access_record *r, char to[ACCESS_LOG_LINE_MAX])
{
    struct line l = {to, 0, ACCESS_LOG_LINE_MAX - LINE_END_MAX, ""};
    put_text(&l, "{");
    json_key(&l, "start_time");
    put_text(&l, "\"");
    put_time(&l, r->start_ms);
    put_text(&l, "\"");
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
    l.room = ACCESS_LOG_LINE_MAX;
    put_text(&l, "}\n");
    return l.len;
}

void access_log_write(const struct access_record *r, bool json)
{
    char line[ACCESS_LOG_LINE_MAX];
    size_t len = json ? access_log_format_json(r, line) : access_log_format_text(r, line);
    log_access(slice_of(line, len));
}
