/* The rules of RFC 9113 §8.2 and §8.3 for one header block. Part of one struct h2, on its thread.
 * Must not know nghttp2 nor streams.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_head.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/text/chars.h"
#include "lib/codec/http/headers.h"
#include "lib/codec/http/method.h"

enum {
    PSEUDO_METHOD = 1,
    PSEUDO_SCHEME = 2,
    PSEUDO_AUTHORITY = 4,
    PSEUDO_PATH = 8,
    PSEUDO_STATUS = 16,
    BYTES_AT_START = 4096,
    FIELDS_AT_START = 64,
};

/* Where blocks gather: they nearly always begin and end within one call, so a thread needs one such
 * place, and whoever comes while it is taken, or grows beyond it, gets memory of its own. */
static _Thread_local struct {
    bool taken;
    struct h2_field fields[FIELDS_AT_START];
    char bytes[BYTES_AT_START];
} place;

void h2_head_init(struct h2_head *h, const struct h2_head_limits *limits)
{
    *h = (struct h2_head){.limits = limits};
}

void h2_head_reset(struct h2_head *h)
{
    if (h->borrowed)
        place.taken = false;
    if (h->fields != place.fields)
        mem_free(h->fields);
    if (h->bytes != place.bytes)
        mem_free(h->bytes);
    h2_head_init(h, h->limits);
}

void h2_head_begin(struct h2_head *h, enum h2_head_kind kind, bool ends)
{
    if (h->kind != H2_HEAD_IGNORED)
        h2_head_reset(h);
    h->kind = kind;
    h->ends = ends;
    h->content_length = -1;
    if (kind == H2_HEAD_IGNORED)
        return;
    h->borrowed = !place.taken;
    place.taken = true;
    h->capacity = FIELDS_AT_START;
    h->fields = h->borrowed ? place.fields : mem_alloc(sizeof(place.fields));
    h->room = BYTES_AT_START;
    h->bytes = h->borrowed ? place.bytes : mem_alloc(sizeof(place.bytes));
}

static void fail(struct h2_head *h, uint16_t status, const char *reason)
{
    h->fault = status;
    h->reason = reason;
}

/* Bounded by max_bytes, which was checked before. */
static void grow_bytes(struct h2_head *h, size_t len)
{
    size_t room = h->room;
    while (len > room - h->used)
        room *= 2;
    char *bytes = mem_alloc(room);
    memcpy(bytes, h->bytes, h->used);
    if (h->bytes != place.bytes)
        mem_free(h->bytes);
    h->bytes = bytes;
    h->room = room;
}

static inline struct h2_span keep(struct h2_head *h, struct slice s)
{
    if (s.len > h->room - h->used)
        grow_bytes(h, s.len);
    struct h2_span span = {(uint32_t)h->used, (uint32_t)s.len};
    memcpy(h->bytes + h->used, s.ptr, s.len);
    h->used += s.len;
    return span;
}

/* True when one of eight bytes is below 0x20 or is 0x7f; never wrong about a word without such
 * bytes. */
static bool has_control(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t below = (word - ones * 0x20) & ~word;
    uint64_t del = word ^ ones * 0x7f;
    return ((below | ((del - ones) & ~del)) & highs) != 0;
}

static uint64_t load(const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof(word));
    return word;
}

/* message_value_is_valid, eight bytes at a time where nothing is odd. */
static bool value_is_valid(struct slice v)
{
    if (v.len < 8)
        return message_value_is_valid(v);
    uint64_t odd = 0;
    for (size_t i = 0; i + 8 <= v.len; i += 8)
        odd |= has_control(load(v.ptr + i));
    odd |= has_control(load(v.ptr + v.len - 8));
    if (odd)
        return message_value_is_valid(v);
    return v.ptr[0] != ' ' && v.ptr[v.len - 1] != ' ';
}

/* The syntax of a value; decoded again from the same table entry, it need not be looked at. */
static bool check(struct h2_head *h, const struct hpack_field *f, bool (*is_valid)(struct slice),
                  const char *reason)
{
    if (f->is_good && *f->is_good)
        return true;
    if (!is_valid(f->value)) {
        fail(h, 400, reason);
        return false;
    }
    if (f->is_good)
        *f->is_good = true;
    return true;
}

static void add_method(struct h2_head *h, const struct hpack_field *f)
{
    if (!check(h, f, method_is_valid, ":method is not a method"))
        return;
    h->is_options = slice_eq(f->value, SLICE("OPTIONS"));
    h->is_trace = slice_eq(f->value, SLICE("TRACE"));
    h->is_connect = slice_eq(f->value, SLICE("CONNECT"));
    h->method = keep(h, f->value);
}

/* Schemes know no case (RFC 3986 §3.1), as in an absolute form of HTTP/1. */
static bool scheme_is_valid(struct slice value)
{
    return slice_eq_nocase(value, SLICE("https")) || slice_eq_nocase(value, SLICE("http"));
}

static void add_scheme(struct h2_head *h, const struct hpack_field *f)
{
    if (check(h, f, scheme_is_valid, ":scheme is neither http nor https"))
        h->scheme = keep(h, f->value.len == 5 ? SLICE("https") : SLICE("http"));
}

static bool path_is_valid(struct slice value)
{
    return slice_eq(value, SLICE("*")) || message_path_is_valid(value);
}

static void add_path(struct h2_head *h, const struct hpack_field *f)
{
    if (f->value.len > h->limits->max_target)
        return fail(h, 414, ":path is too long");
    if (check(h, f, path_is_valid, ":path is malformed"))
        h->path = keep(h, f->value);
}

static void add_authority(struct h2_head *h, const struct hpack_field *f)
{
    if (check(h, f, message_authority_is_valid, ":authority is malformed"))
        h->authority = keep(h, f->value);
}

static bool status_is_valid(struct slice v)
{
    return v.len == 3 && v.ptr[0] >= '1' && v.ptr[0] <= '9' && chars_is(v.ptr[1], CHARS_DIGIT) &&
           chars_is(v.ptr[2], CHARS_DIGIT) && !slice_eq(v, SLICE("101"));
}

/* 101 has no meaning in HTTP/2. */
static void add_status(struct h2_head *h, const struct hpack_field *f)
{
    const char *v = f->value.ptr;
    if (check(h, f, status_is_valid, ":status is not a status"))
        h->status = (uint16_t)((v[0] - '0') * 100 + (v[1] - '0') * 10 + v[2] - '0');
}

static const struct {
    uint8_t bit;
    uint8_t kind;
    void (*add)(struct h2_head *h, const struct hpack_field *f);
} pseudos[] = {
    [HPACK_AUTHORITY - HPACK_AUTHORITY] = {PSEUDO_AUTHORITY, H2_HEAD_REQUEST, add_authority},
    [HPACK_METHOD - HPACK_AUTHORITY] = {PSEUDO_METHOD, H2_HEAD_REQUEST, add_method},
    [HPACK_PATH - HPACK_AUTHORITY] = {PSEUDO_PATH, H2_HEAD_REQUEST, add_path},
    [HPACK_SCHEME - HPACK_AUTHORITY] = {PSEUDO_SCHEME, H2_HEAD_REQUEST, add_scheme},
    [HPACK_STATUS - HPACK_AUTHORITY] = {PSEUDO_STATUS, H2_HEAD_RESPONSE, add_status},
    [HPACK_PSEUDO - HPACK_AUTHORITY] = {0, H2_HEAD_IGNORED, NULL},
};

static void add_pseudo(struct h2_head *h, const struct hpack_field *f)
{
    unsigned which = f->id - HPACK_AUTHORITY;
    if (h->regular_seen)
        return fail(h, 400, "pseudo-header field after a regular one");
    if (pseudos[which].kind != h->kind)
        return fail(h, 400, "pseudo-header field that does not belong there");
    if (h->pseudo & pseudos[which].bit)
        return fail(h, 400, "pseudo-header field twice");
    h->pseudo |= pseudos[which].bit;
    pseudos[which].add(h, f);
}

/* What says a length of nothing is left out, as in HTTP/1: interim answers and 204 end with their
 * head. */
static bool frames_nothing(const struct h2_head *h)
{
    return h->kind == H2_HEAD_RESPONSE && (h->status < 200 || h->status == 204);
}

static void add_content_length(struct h2_head *h, struct slice value)
{
    if (h->content_length >= 0)
        return fail(h, 400, "content-length twice");
    if (!message_length_parse(value, &h->content_length))
        fail(h, 400, "content-length is not a length");
}

static void add_host(struct h2_head *h, struct slice value)
{
    if (h->host.len)
        return fail(h, 400, "host twice");
    if (!message_authority_is_valid(value))
        return fail(h, 400, "host is malformed");
    h->host = keep(h, value);
}

/* Fields with a meaning of their own. True when the field is to be kept like any other. */
static bool judge_known(struct h2_head *h, enum header_id id, struct slice value)
{
    switch (id) {
    case HEADER_CONNECTION:
    case HEADER_KEEP_ALIVE:
    case HEADER_PROXY_CONNECTION:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_UPGRADE:
    case HEADER_HTTP2_SETTINGS:
        fail(h, 400, "connection-specific field");
        return false;
    case HEADER_TE:
        if (!slice_eq_nocase(value, SLICE("trailers")))
            fail(h, 400, "te says other than trailers");
        return h->fault == 0;
    case HEADER_HOST:
        if (h->kind != H2_HEAD_REQUEST)
            fail(h, 400, "host outside of a request head");
        else
            add_host(h, value);
        return false;
    case HEADER_CONTENT_LENGTH:
        if (frames_nothing(h))
            return false;
        else
            add_content_length(h, value);
        return h->fault == 0;
    case HEADER_EXPECT:
        h->expect_continue = slice_eq_nocase(value, SLICE("100-continue"));
        return true;
    case HEADER_COOKIE:
        if (h->kind == H2_HEAD_REQUEST)
            h->cookies++;
        return true;
    default:
        return true;
    }
}

static bool name_is_lower(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
            return false;
    }
    return true;
}

static bool check_other_name(struct h2_head *h, struct slice name)
{
    if (!message_name_is_valid(name) || !name_is_lower(name))
        fail(h, 400, "field name is malformed");
    else if (headers_is_framing_in_disguise(name))
        fail(h, 400, "field name is a framing field in disguise");
    return h->fault == 0;
}

static void grow_fields(struct h2_head *h)
{
    size_t old = h->capacity * sizeof(*h->fields);
    struct h2_field *fields = mem_alloc(2 * old);
    memcpy(fields, h->fields, old);
    if (h->fields != place.fields)
        mem_free(h->fields);
    h->fields = fields;
    h->capacity *= 2;
}

static bool check_regular(struct h2_head *h, const struct hpack_field *f)
{
    return (f->id != HEADER_OTHER || check_other_name(h, f->name)) &&
           check(h, f, value_is_valid, "field value is malformed");
}

/* Which names judge_known has something to say about. */
static const bool is_special[HEADER_COUNT] = {
    [HEADER_CONNECTION] = true,
    [HEADER_KEEP_ALIVE] = true,
    [HEADER_PROXY_CONNECTION] = true,
    [HEADER_TRANSFER_ENCODING] = true,
    [HEADER_UPGRADE] = true,
    [HEADER_HTTP2_SETTINGS] = true,
    [HEADER_TE] = true,
    [HEADER_HOST] = true,
    [HEADER_CONTENT_LENGTH] = true,
    [HEADER_EXPECT] = true,
    [HEADER_COOKIE] = true,
};

/* Crumbs of the cookie are one field (RFC 9113 §8.2.3), and the host is one wherever it stands. */
static uint32_t count_fields(const struct h2_head *h)
{
    uint32_t crumbs = h->cookies > 1 ? h->cookies - 1 : 0;
    return h->count - crumbs + (h->authority.len || h->host.len);
}

/* As h1_head_check_trailers has it. */
static void refuse_trailer(struct h2_head *h, enum header_id id)
{
    if (h->limits->takes_requests || headers_is_framing(id))
        fail(h, 400, "field that no trailer may say");
}

static void add_regular(struct h2_head *h, const struct hpack_field *f)
{
    h->regular_seen = true;
    if (!(f->is_good && *f->is_good) && !check_regular(h, f))
        return;
    if (h->kind == H2_HEAD_TRAILERS && headers_is_forbidden_trailer((enum header_id)f->id))
        return refuse_trailer(h, (enum header_id)f->id);
    if (is_special[f->id] && !judge_known(h, (enum header_id)f->id, f->value))
        return;
    if (count_fields(h) >= h->limits->max_count && !(f->id == HEADER_COOKIE && h->cookies > 1)) {
        h->has_too_many = true;
        return fail(h, 431, "too many fields");
    }
    if (h->count == h->capacity)
        grow_fields(h);
    struct h2_field *field = &h->fields[h->count++];
    field->id = f->id;
    field->never_index = f->never_index;
    if (f->id == HEADER_OTHER)
        field->name = keep(h, f->name);
    field->value = keep(h, f->value);
}

void h2_head_add(struct h2_head *h, const struct hpack_field *f)
{
    uint64_t bytes = f->name.len + f->value.len + MESSAGE_FIELD_EXTRA;
    h->list_bytes += bytes;
    if (h->fault || h->kind == H2_HEAD_IGNORED)
        return;
    if (f->id < HPACK_AUTHORITY)
        h->field_bytes += bytes;
    else if (f->id == HPACK_AUTHORITY) /* counts as the Host that it stands for */
        h->field_bytes += bytes - (sizeof(":authority") - sizeof("host"));
    if (h->field_bytes > h->limits->max_bytes)
        return fail(h, 431, "fields are too large");
    if (f->id >= HPACK_AUTHORITY)
        add_pseudo(h, f);
    else
        add_regular(h, f);
}

static void check_connect(struct h2_head *h)
{
    if (h->pseudo & (PSEUDO_SCHEME | PSEUDO_PATH))
        fail(h, 400, "CONNECT with :scheme or :path");
    else if (!(h->pseudo & PSEUDO_AUTHORITY))
        fail(h, 400, "CONNECT without :authority");
    else if (!message_authority_has_port(h2_span_in(h->bytes, h->authority)))
        fail(h, 400, "CONNECT without a port");
    else if (h->content_length >= 0)
        fail(h, 400, "CONNECT with content-length");
    else if (!h->limits->allow_connect)
        fail(h, 501, "CONNECT is not served here");
}

static void check_request(struct h2_head *h)
{
    const uint8_t must = PSEUDO_METHOD | PSEUDO_SCHEME | PSEUDO_PATH;
    if (h->authority.len == 0)
        h->authority = h->host;
    else if (h->host.len &&
             !slice_eq_nocase(h2_span_in(h->bytes, h->host), h2_span_in(h->bytes, h->authority)))
        return fail(h, 400, "host differs from :authority");
    if (h->is_connect)
        return check_connect(h);
    if ((h->pseudo & must) != must)
        return fail(h, 400, "a pseudo-header field is missing");
    if (h->authority.len == 0)
        return fail(h, 400, "neither :authority nor host");
    if (h->bytes[h->path.at] == '*' && !h->is_options)
        return fail(h, 400, ":path is * but the method is not OPTIONS");
    if (h->ends && h->content_length > 0)
        return fail(h, 400, "content-length without a body");
    if (h->is_trace && (!h->ends || h->content_length >= 0))
        return fail(h, 400, "TRACE with a body");
}

static void check_response(struct h2_head *h)
{
    if (!(h->pseudo & PSEUDO_STATUS))
        return fail(h, 400, ":status is missing");
    if (h->status < 200 && h->ends)
        fail(h, 400, "stream ends with an interim response");
}

bool h2_head_check(struct h2_head *h)
{
    if (h->fault)
        return false;
    if (h->kind == H2_HEAD_REQUEST)
        check_request(h);
    else if (h->kind == H2_HEAD_RESPONSE)
        check_response(h);
    else if (h->kind == H2_HEAD_TRAILERS && !h->ends)
        fail(h, 400, "trailers do not end the stream");
    return h->fault == 0;
}
