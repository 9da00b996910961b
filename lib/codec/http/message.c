/* What can be asked of a message head, and the syntax of its parts. Pure; any thread. Must not
 * know how a head is written in either version.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/message.h"

#include "lib/base/utf8.h"
#include "lib/codec/text/chars.h"

void message_init(struct message *m, struct arena *arena)
{
    *m = (struct message){.version = HTTP_1_1, .content_length = -1, .keep_alive = true};
    headers_init(&m->headers, arena);
}

bool message_is_idempotent(const struct message *m)
{
    static const struct slice methods[] = {
        {"GET", 3}, {"HEAD", 4},   {"OPTIONS", 7}, {"TRACE", 5},
        {"PUT", 3}, {"DELETE", 6}, {"QUERY", 5},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (slice_eq(m->method, methods[i]))
            return true;
    }
    return false;
}

struct slice message_path_only(const struct message *m)
{
    return slice_sub(m->path, 0, slice_find_byte(m->path, '?'));
}

struct slice message_query(const struct message *m)
{
    size_t mark = slice_find_byte(m->path, '?');
    return slice_sub(m->path, mark + 1, m->path.len);
}

bool message_is_connect(const struct message *m)
{
    return slice_eq(m->method, SLICE("CONNECT"));
}

bool message_may_switch(const struct message *m)
{
    return m->upgrade.len || message_is_connect(m);
}

bool message_is_grpc(const struct message *m)
{
    struct slice type = headers_get_id(&m->headers, HEADER_CONTENT_TYPE);
    return message_type_is_grpc(type);
}

bool message_type_is_grpc(struct slice type)
{
    struct slice grpc = SLICE("application/grpc");
    if (!slice_eq_nocase(slice_sub(type, 0, grpc.len), grpc))
        return false;
    char next = type.len > grpc.len ? type.ptr[grpc.len] : ';';
    return next == '+' || next == ';' || next == ' ' || next == '\t';
}

bool message_name_is_valid(struct slice name)
{
    return name.len > 0 && chars_all(name.ptr, name.len, CHARS_TOKEN);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool message_value_is_valid(struct slice value)
{
    if (value.len == 0)
        return true;
    if (is_blank(value.ptr[0]) || is_blank(value.ptr[value.len - 1]))
        return false;
    return chars_all(value.ptr, value.len, CHARS_VALUE);
}

/* "[" IPv6 "]"; the address itself is left to whoever dials it. */
static size_t literal_len(struct slice s)
{
    size_t end = slice_find_byte(s, ']');
    if (end == s.len || end < 3)
        return 0;
    for (size_t i = 1; i < end; i++) {
        if (!chars_is(s.ptr[i], CHARS_HEX) && s.ptr[i] != ':' && s.ptr[i] != '.')
            return 0;
    }
    return end + 1;
}

/* One dot may end a name; an empty label anywhere else is no name, and readers differ in what they
 * make of it (RFC 1035 §2.3.1). */
static bool has_empty_label(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.' && (i == 0 || name.ptr[i - 1] == '.'))
            return true;
    }
    return false;
}

bool message_authority_is_valid(struct slice authority)
{
    if (authority.len == 0)
        return false;
    size_t host =
        authority.ptr[0] == '[' ? literal_len(authority) : slice_find_byte(authority, ':');
    if (host == 0)
        return false;
    struct slice name = slice_sub(authority, 0, host);
    if (name.ptr[0] != '[' && (!chars_all(name.ptr, name.len, CHARS_REG) || has_empty_label(name)))
        return false;
    struct slice port = slice_sub(authority, host, authority.len);
    if (port.len == 0)
        return true;
    uint64_t number = 0;
    return port.ptr[0] == ':' && port.len <= 6 &&
           slice_to_u64(slice_sub(port, 1, port.len), &number) == ERR_OK && number <= 65535;
}

bool message_length_parse(struct slice value, int64_t *length)
{
    uint64_t n;
    if (value.len > 1 && value.ptr[0] == '0')
        return false;
    if (slice_to_u64(value, &n) || n > INT64_MAX)
        return false;
    *length = (int64_t)n;
    return true;
}

bool message_authority_has_port(struct slice authority)
{
    size_t at = authority.len;
    while (at > 0 && chars_is(authority.ptr[at - 1], CHARS_DIGIT))
        at--;
    return at > 0 && at < authority.len && authority.ptr[at - 1] == ':';
}

/* A percent sign in a path begins two hexadecimal digits: else two readers may decode it
 * differently. *high gathers the bits of all bytes. */
static bool path_is_valid(struct slice path, unsigned char *high)
{
    for (size_t i = 0; i < path.len; i++) {
        if (!chars_is(path.ptr[i], CHARS_PATH))
            return false;
        *high |= (unsigned char)path.ptr[i];
        if (path.ptr[i] != '%')
            continue;
        if (path.len - i < 3 || !chars_is(path.ptr[i + 1], CHARS_HEX) ||
            !chars_is(path.ptr[i + 2], CHARS_HEX))
            return false;
    }
    return true;
}

static bool query_is_valid(struct slice query, unsigned char *high)
{
    for (size_t i = 0; i < query.len; i++) {
        if (!chars_is(query.ptr[i], CHARS_QUERY))
            return false;
        *high |= (unsigned char)query.ptr[i];
    }
    return true;
}

bool message_query_is_valid(struct slice query)
{
    unsigned char high = 0;
    return query_is_valid(query, &high) && (high < 0x80 || utf8_is_valid(query));
}

bool message_path_is_valid(struct slice path)
{
    unsigned char high = 0;
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    size_t mark = slice_find_byte(path, '?');
    return path_is_valid(slice_sub(path, 0, mark), &high) &&
           query_is_valid(slice_sub(path, mark, path.len), &high) &&
           (high < 0x80 || utf8_is_valid(path));
}

const char *message_reason(unsigned status)
{
    switch (status) {
#define X(code, text) \
    case code:        \
        return text;
#include "lib/codec/http/status.def"
#undef X
    default:
        return "Unknown";
    }
}
