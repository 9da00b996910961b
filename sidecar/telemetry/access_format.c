/* Values are escaped as inside a JSON string, whatever the format is; a secret is REDACTED.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/access_format.h"

#include <stdio.h>

#include "lib/base/civil.h"
#include "lib/base/log.h"
#include "sidecar/telemetry/line.h"

/* Behind it there is room for all texts that come. */
static void put_value(struct line *l, struct slice value)
{
    size_t left = l->room - l->len;
    if (value.len > left / 6)
        value = slice_sub(value, 0, left / 6);
    if (value.len)
        line_put_escaped(l, value);
    else
        line_put_text(l, "-");
}

static void put_missing(struct line *l, const struct log_piece *p)
{
    line_put_text(l, p->is_bare ? "null" : "-");
}

static void put_address(struct line *l, const struct addr *a, bool with_port)
{
    char text[ADDR_TEXT_MAX];
    if (!a->family)
        line_put_text(l, "-");
    else if (with_port)
        line_put_addr(l, a);
    else
        line_put_text(l, addr_format_ip(a, text));
}

static void put_local_time(struct line *l, int64_t ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c;
    char text[48];
    civil_from_ms(ms, &c);
    snprintf(text, sizeof(text), "%02u/%.3s/%04u:%02u:%02u:%02u +0000", c.day,
             months + (size_t)(c.month - 1) * 3, c.year, c.hour, c.minute, c.second);
    line_put_text(l, text);
}

static void put_seconds(struct line *l, uint64_t us)
{
    unsigned ms = (unsigned)(us / 1000 % 1000);
    char decimals[5] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                        (char)('0' + ms % 10), '\0'};
    line_put_u64(l, us / 1000000);
    line_put_text(l, decimals);
}

static bool is_secret(uint16_t id, struct slice name)
{
    return id == HEADER_AUTHORIZATION || id == HEADER_COOKIE || id == HEADER_SET_COOKIE ||
           slice_eq_cstr(name, "proxy-authorization");
}

static void put_header(struct line *l, const struct log_piece *p, const struct headers *from)
{
    const struct header *h = NULL;
    if (from)
        h = p->header == HEADER_OTHER ? headers_find(from, p->text)
                                      : headers_find_id(from, p->header);
    put_value(l, !h ? SLICE("") : is_secret(p->header, p->text) ? SLICE("REDACTED") : h->value);
}

static void put_number(struct line *l, const struct log_piece *p, const struct access_record *r)
{
    int64_t us = r->upstream_us;
    switch (p->field) {
    case LOG_STATUS:
        line_put_u64(l, r->status);
        return;
    case LOG_RECEIVED:
        line_put_u64(l, r->bytes_received);
        return;
    case LOG_SENT:
        line_put_u64(l, r->bytes_sent);
        return;
    case LOG_DURATION_MS:
        line_put_u64(l, r->duration_us / 1000);
        return;
    case LOG_DURATION_S:
        put_seconds(l, r->duration_us);
        return;
    case LOG_ATTEMPTS:
        line_put_u64(l, r->attempts);
        return;
    case LOG_TIME_EPOCH_MS:
        line_put_u64(l, (uint64_t)r->start_ms);
        return;
    default:
        break;
    }
    bool is_grpc = p->field == LOG_GRPC_STATUS;
    if (is_grpc ? r->grpc_status < 0 : us < 0)
        put_missing(l, p);
    else if (p->field == LOG_UPSTREAM_S)
        put_seconds(l, (uint64_t)us);
    else
        line_put_u64(l, is_grpc ? (uint64_t)r->grpc_status : (uint64_t)us / 1000);
}

static void put_request(struct line *l, const struct access_record *r)
{
    put_value(l, r->method);
    line_put_text(l, " ");
    put_value(l, r->path);
    line_put_text(l, " ");
    put_value(l, r->protocol);
}

static struct slice text_of(enum log_field field, const struct access_record *r)
{
    size_t query = slice_find_byte(r->path, '?');
    switch (field) {
    case LOG_METHOD:
        return r->method;
    case LOG_PATH:
        return r->path;
    case LOG_PATH_ONLY:
        return slice_sub(r->path, 0, query);
    case LOG_QUERY:
        return slice_sub(r->path, query + 1, r->path.len);
    case LOG_PROTOCOL:
        return r->protocol;
    case LOG_AUTHORITY:
        return r->authority;
    case LOG_FLAGS:
        return r->flags;
    case LOG_DETAILS:
        return r->details;
    case LOG_REASON:
        return r->reason;
    case LOG_REQUEST_ID:
        return r->request_id;
    case LOG_TRACE_ID:
        return r->trace_id;
    case LOG_CLUSTER:
        return r->upstream_cluster;
    case LOG_ROUTE:
        return r->route;
    case LOG_SNI:
        return r->sni;
    case LOG_PEER:
        return r->source_principal;
    case LOG_CONSUMER:
        return r->consumer;
    default:
        return r->direction;
    }
}

static void put_field(struct line *l, const struct log_piece *p, const struct access_record *r)
{
    switch (p->field) {
    case LOG_TIME:
        line_put_time(l, r->start_ms);
        break;
    case LOG_TIME_LOCAL:
        put_local_time(l, r->start_ms);
        break;
    case LOG_REQUEST:
        put_request(l, r);
        break;
    case LOG_CLIENT:
    case LOG_CLIENT_IP:
        put_address(l, &r->downstream_remote, p->field == LOG_CLIENT);
        break;
    case LOG_DIRECT:
        put_address(l, &r->downstream_direct, true);
        break;
    case LOG_LOCAL:
        put_address(l, &r->downstream_local, true);
        break;
    case LOG_UPSTREAM:
        put_address(l, &r->upstream_host, true);
        break;
    case LOG_UPSTREAM_LOCAL:
        put_address(l, &r->upstream_local, true);
        break;
    case LOG_REQUEST_HEADER:
    case LOG_RESPONSE_HEADER:
        put_header(l, p, p->field == LOG_REQUEST_HEADER ? r->request_headers : r->response_headers);
        break;
    default:
        put_value(l, text_of(p->field, r));
    }
}

/* What a bare number takes at most: it is whole or not there. */
enum { NUMBER_MAX = 32 };

size_t access_format_line(const struct log_format *f, const struct access_record *r,
                          char to[ACCESS_LOG_LINE_MAX])
{
    size_t literals = f->literal_bytes + 1, numbers = (size_t)f->count * NUMBER_MAX;
    struct line l = {to, 0, ACCESS_LOG_LINE_MAX};
    for (uint32_t i = 0; i < f->count; i++) {
        const struct log_piece *p = &f->pieces[i];
        numbers -= NUMBER_MAX;
        if (p->field == LOG_LITERAL) {
            l.room = l.len + p->text.len;
            memcpy(l.to + l.len, p->text.ptr, p->text.len);
            l.len += p->text.len;
            literals -= p->text.len;
            continue;
        }
        l.room = ACCESS_LOG_LINE_MAX - literals;
        if (p->field >= LOG_FIRST_NUMBER) {
            put_number(&l, p, r);
            continue;
        }
        l.room = l.room > l.len + numbers ? l.room - numbers : l.len;
        put_field(&l, p, r);
    }
    l.to[l.len++] = '\n';
    return l.len;
}

void access_format_write(const struct log_format *f, const struct access_record *r)
{
    char line[ACCESS_LOG_LINE_MAX];
    log_access(slice_of(line, access_format_line(f, r, line)));
}
