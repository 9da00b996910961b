/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/http_uri.h"

#include "lib/base/addr.h"
#include "lib/codec/http/host.h"
#include "lib/codec/text/chars.h"

/* Lower case, so that one host has one name. */
static bool is_name(struct slice host)
{
    bool begins = true;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_letter && (begins || (c != '-' && c != '.')))
            return false;
        begins = c == '.';
    }
    return host.len > 0 && host.len <= HOST_MAX && host.ptr[host.len - 1] != '.' &&
           host.ptr[host.len - 1] != '-';
}

/* What looks like a number is an address in four parts, or nothing: resolvers read "2130706433" and
 * "0x7f.1" as 127.0.0.1. */
static bool is_host(struct slice host)
{
    struct addr a;
    struct slice rest = host, last = host;
    if (addr_parse(host, &a) == ERR_OK)
        return a.port == 0;
    while (slice_split(&rest, '.', &last))
        ;
    return is_name(host) && last.len && !(last.ptr[0] >= '0' && last.ptr[0] <= '9');
}

static bool take_port(struct slice text, uint16_t *port)
{
    uint64_t number;
    if (!text.len)
        return true;
    if (text.ptr[0] != ':' || slice_to_u64(slice_sub(text, 1, text.len), &number) || number == 0 ||
        number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool take_authority(struct http_uri *u)
{
    struct slice a = u->authority;
    bool is_v6 = slice_starts_with(a, SLICE("["));
    size_t end = slice_find_byte(a, is_v6 ? ']' : ':');
    u->host = is_v6 ? slice_sub(a, 1, end - 1) : slice_sub(a, 0, end);
    if (is_v6 && end == a.len)
        return false;
    struct addr address;
    if (is_v6 && (addr_parse(u->host, &address) || address.family != 6))
        return false;
    return is_host(u->host) && take_port(slice_sub(a, end + is_v6, a.len), &u->port);
}

bool http_uri_read(struct slice text, struct http_uri *out)
{
    struct slice tls = SLICE("https://"), plain = SLICE("http://");
    *out = (struct http_uri){.is_tls = slice_starts_with(text, tls)};
    if (!out->is_tls && !slice_starts_with(text, plain))
        return false;
    struct slice rest = slice_sub(text, out->is_tls ? tls.len : plain.len, text.len);
    size_t slash = slice_find_byte(rest, '/');
    out->authority = slice_sub(rest, 0, slash);
    out->port = out->is_tls ? 443 : 80;
    out->path = slash < rest.len ? slice_sub(rest, slash, rest.len) : SLICE("/");
    return take_authority(out) &&
           chars_all(out->path.ptr, out->path.len, CHARS_PATH | CHARS_QUERY | CHARS_HEX) &&
           slice_find_byte(out->path, '#') == out->path.len;
}
