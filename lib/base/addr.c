/* Reading, writing and comparing IP addresses and prefixes. Pure; any thread. Must not resolve
 * names; zone ids are refused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/decimal.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* True when it was an IPv4-mapped address and is IPv4 now. */
static bool unmap(struct addr *a)
{
    if (a->family != 6 || memcmp(a->ip, mapped_prefix, sizeof(mapped_prefix)) != 0)
        return false;
    memmove(a->ip, a->ip + 12, 4);
    memset(a->ip + 4, 0, 12);
    a->family = 4;
    return true;
}

/* The address as written; mapped ones are left as they are. */
static enum err parse_ip(struct slice text, struct addr *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len))
        return ERR_SYNTAX;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *out = (struct addr){0};
    out->family = memchr(copy, ':', text.len) ? 6 : 4;
    int ok = inet_pton(out->family == 6 ? AF_INET6 : AF_INET, copy, out->ip);
    return ok == 1 ? ERR_OK : ERR_SYNTAX;
}

static enum err parse_port(struct slice text, uint16_t *out)
{
    uint64_t port;
    if (text.len > 1 && text.ptr[0] == '0')
        return ERR_SYNTAX;
    if (slice_to_u64(text, &port) || port > UINT16_MAX)
        return ERR_SYNTAX;
    *out = (uint16_t)port;
    return ERR_OK;
}

enum err addr_parse(struct slice text, struct addr *out)
{
    struct slice ip = text, port = {NULL, 0};
    struct addr a;
    bool has_port = false;
    size_t colon = slice_find_byte(text, ':');
    if (text.len && text.ptr[0] == '[') {
        size_t end = slice_find_byte(text, ']');
        ip = slice_sub(text, 1, end - 1);
        struct slice rest = slice_sub(text, end, text.len);
        /* Brackets are for IPv6 only. */
        if (rest.len == 0 || slice_find_byte(ip, ':') == ip.len)
            return ERR_SYNTAX;
        has_port = rest.len > 1;
        if (has_port && rest.ptr[1] != ':')
            return ERR_SYNTAX;
        port = slice_sub(rest, 2, rest.len);
    } else if (colon < text.len &&
               slice_find_byte(slice_sub(text, colon + 1, text.len), ':') == text.len - colon - 1) {
        has_port = true;
        ip = slice_sub(text, 0, colon);
        port = slice_sub(text, colon + 1, text.len);
    }
    enum err e = parse_ip(ip, &a);
    if (!e && has_port)
        e = parse_port(port, &a.port);
    if (e)
        return e;
    unmap(&a);
    *out = a;
    return ERR_OK;
}

/* Each request has an address to show, most of them of IPv4, and inet_ntop asks printf for it. */
static void write_ip(const struct addr *a, char text[ADDR_TEXT_MAX])
{
    if (a->family == 6) {
        inet_ntop(AF_INET6, a->ip, text, ADDR_TEXT_MAX);
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        text += decimal_write(text, a->ip[i]);
        *text++ = i < 3 ? '.' : '\0';
    }
}

char *addr_format_ip(const struct addr *a, char text[ADDR_TEXT_MAX])
{
    if (a->family == 0)
        memcpy(text, "none", sizeof("none"));
    else
        write_ip(a, text);
    return text;
}

enum err addr_split(struct slice text, struct slice *host, uint16_t *port)
{
    uint64_t n;
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon < 2 || slice_to_u64(slice_sub(text, colon, text.len - colon), &n) || n == 0 ||
        n > UINT16_MAX)
        return ERR_SYNTAX;
    struct slice name = slice_sub(text, 0, colon - 1);
    if (name.ptr[0] == '[') {
        if (name.len < 3 || name.ptr[name.len - 1] != ']')
            return ERR_SYNTAX;
        name = slice_sub(name, 1, name.len - 2);
    } else if (slice_find_byte(name, ':') < name.len) {
        return ERR_SYNTAX; /* an IPv6 address needs brackets */
    }
    *host = name;
    *port = (uint16_t)n;
    return ERR_OK;
}

char *addr_format(const struct addr *a, char text[ADDR_TEXT_MAX])
{
    char ip[ADDR_TEXT_MAX];
    addr_format_ip(a, ip);
    if (a->family == 0)
        memcpy(text, ip, sizeof(ip));
    else if (a->family == 6)
        snprintf(text, ADDR_TEXT_MAX, "[%.45s]:%u", ip, (unsigned)a->port);
    else
        snprintf(text, ADDR_TEXT_MAX, "%.45s:%u", ip, (unsigned)a->port);
    return text;
}

bool addr_eq_ip(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && addr_eq_ip(a, b);
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return any == 0;
}

bool addr_is_loopback(const struct addr *a)
{
    if (a->family == 4)
        return a->ip[0] == 127;
    return a->family == 6 && is_zero(a->ip, 15) && a->ip[15] == 1;
}

bool addr_is_any(const struct addr *a)
{
    return a->family != 0 && is_zero(a->ip, sizeof(a->ip));
}

uint64_t addr_hash(const struct addr *a)
{
    uint8_t key[19];
    key[0] = a->family;
    memcpy(key + 1, &a->port, 2);
    memcpy(key + 3, a->ip, 16);
    return slice_hash(slice_of(key, sizeof(key)));
}

enum err addr_from_sockaddr(const struct sockaddr *from, struct addr *out)
{
    *out = (struct addr){0};
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof(in));
        out->family = 4;
        out->port = ntohs(in.sin_port);
        memcpy(out->ip, &in.sin_addr, 4);
        return ERR_OK;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof(in6));
        out->family = 6;
        out->port = ntohs(in6.sin6_port);
        memcpy(out->ip, &in6.sin6_addr, 16);
        unmap(out);
        return ERR_OK;
    }
    return ERR_UNSUPPORTED;
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (a->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&in.sin_addr, a->ip, 4);
        memcpy(out, &in, sizeof(in));
        return sizeof(in);
    }
    if (a->family == 6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
        memcpy(&in6.sin6_addr, a->ip, 16);
        memcpy(out, &in6, sizeof(in6));
        return sizeof(in6);
    }
    out->ss_family = AF_UNSPEC;
    return sizeof(out->ss_family);
}

/* True when the first `bits` bits agree. */
static bool prefix_eq(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool host_bits_clear(const struct addr *a, unsigned bits, unsigned max)
{
    if (bits == max)
        return true;
    uint8_t first = a->ip[bits / 8] & (uint8_t)(0xff >> (bits % 8));
    return first == 0 && is_zero(a->ip + bits / 8 + 1, max / 8 - bits / 8 - 1);
}

enum err cidr_parse(struct slice text, struct cidr *out)
{
    struct addr base;
    size_t slash = slice_find_byte(text, '/');
    enum err e = parse_ip(slice_sub(text, 0, slash), &base);
    if (e)
        return e;
    unsigned max = base.family == 6 ? 128 : 32;
    uint16_t bits = (uint16_t)max;
    if (slash < text.len && parse_port(slice_sub(text, slash + 1, text.len), &bits))
        return ERR_SYNTAX;
    if (bits > max || !host_bits_clear(&base, bits, max))
        return ERR_SYNTAX;
    if (unmap(&base))
        bits -= 96; /* at least 96, or else host bits would be set */
    out->base = base;
    out->bits = (uint8_t)bits;
    return ERR_OK;
}

bool cidr_contains(const struct cidr *c, const struct addr *a)
{
    return c->base.family == a->family && a->family != 0 && prefix_eq(c->base.ip, a->ip, c->bits);
}
