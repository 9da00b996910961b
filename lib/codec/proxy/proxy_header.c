/* Reading and writing headers of the PROXY protocol. Section numbers are those of HAProxy's
 * proxy-protocol.txt. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/proxy/proxy_header.h"

#include <stdio.h>
#include <string.h>

static const uint8_t signature[12] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                      '\n', 'Q',  'U',  'I',  'T', '\n'};
static const char word[] = "PROXY ";

enum {
    WORD_LEN = sizeof(word) - 1,
    FIXED_LEN = 16, /* of version 2: signature, version and command, family, length */
    IP4_LEN = 12,
    IP6_LEN = 36,
    UNIX_LEN = 216,
    TLV_LEN = 3,
};

enum { LOCAL = 0x20, PROXY = 0x21 };
enum { FAMILY_IP4 = 1, FAMILY_IP6 = 2, FAMILY_UNIX = 3, TRANSPORT_STREAM = 1, TRANSPORT_MAX = 2 };

static enum proxy_result bad(struct proxy_header *out, const char *why)
{
    *out = (struct proxy_header){.bad = why};
    return PROXY_BAD;
}

/* ---- version 1 (2.1) ---- */

/* Exactly one space lies between two words. */
static struct slice next_word(struct slice *line)
{
    size_t space = slice_find_byte(*line, ' ');
    struct slice first = slice_sub(*line, 0, space);
    *line = slice_sub(*line, space + 1, line->len);
    return first;
}

static bool read_port(struct slice text, uint16_t *port)
{
    uint64_t number;
    if (!text.len || text.len > 5 || (text.len > 1 && text.ptr[0] == '0') ||
        slice_to_u64(text, &number) != ERR_OK || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

/* An IPv4 address that is written as IPv6 is one of IPv4 (lib/base/addr.h). */
static bool read_ip(struct slice text, bool is_ip6, struct addr *out)
{
    bool has_colon = slice_find_byte(text, ':') < text.len;
    bool has_bracket = slice_find_byte(text, '[') < text.len;
    return has_colon == is_ip6 && !has_bracket && addr_parse(text, out) == ERR_OK;
}

static enum proxy_result read_line(struct slice line, struct proxy_header *out)
{
    struct slice family = next_word(&line);
    bool is_ip6 = slice_eq(family, SLICE("TCP6"));
    if (slice_eq(family, SLICE("UNKNOWN")))
        return PROXY_DONE; /* whatever follows it */
    if (!is_ip6 && !slice_eq(family, SLICE("TCP4")))
        return bad(out, "the PROXY line is not for TCP4, TCP6 or UNKNOWN");
    struct slice from = next_word(&line), to = next_word(&line), from_port = next_word(&line);
    if (!read_ip(from, is_ip6, &out->from) || !read_ip(to, is_ip6, &out->to))
        return bad(out, "an address in the PROXY line is not valid");
    if (!read_port(from_port, &out->from.port) || !read_port(line, &out->to.port))
        return bad(out, "a port in the PROXY line is not valid");
    out->has_addresses = true;
    return PROXY_DONE;
}

static enum proxy_result parse_line(const uint8_t *data, size_t len, struct proxy_header *out)
{
    size_t known = len < WORD_LEN ? len : WORD_LEN;
    if (memcmp(data, word, known) != 0)
        return bad(out, "it does not begin with a PROXY header");
    size_t seen = len < PROXY_HEADER_LINE_MAX ? len : PROXY_HEADER_LINE_MAX;
    const uint8_t *cr = memchr(data, '\r', seen);
    size_t at = cr ? (size_t)(cr - data) : seen;
    if (at + 2 > PROXY_HEADER_LINE_MAX)
        return bad(out, "the PROXY line is longer than 107 bytes");
    if (at + 2 > len)
        return PROXY_MORE;
    if (data[at + 1] != '\n' || at < WORD_LEN)
        return bad(out, "the PROXY line does not end with CRLF");
    out->len = at + 2;
    return read_line(slice_of((const char *)data + WORD_LEN, at - WORD_LEN), out);
}

/* ---- version 2 (2.2) ---- */

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static size_t size_of_family(unsigned family)
{
    static const size_t sizes[] = {0, IP4_LEN, IP6_LEN, UNIX_LEN};
    return sizes[family];
}

/* The same as lib/base/addr.h holds it: IPv4 in IPv6 is IPv4. */
static void read_address(struct addr *to, const uint8_t *ip, size_t size, const uint8_t *port)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool is_mapped = size == 16 && memcmp(ip, mapped, sizeof(mapped)) == 0;
    *to = (struct addr){.family = size == 4 || is_mapped ? 4 : 6, .port = read_u16(port)};
    memcpy(to->ip, is_mapped ? ip + 12 : ip, is_mapped ? 4 : size);
}

static bool are_additions_whole(const uint8_t *at, size_t len)
{
    while (len >= TLV_LEN) {
        size_t size = TLV_LEN + (size_t)read_u16(at + 1);
        if (size > len)
            return false;
        at += size;
        len -= size;
    }
    return len == 0;
}

static enum proxy_result read_block(const uint8_t *data, size_t size, struct proxy_header *out)
{
    const uint8_t *block = data + FIXED_LEN;
    unsigned family = data[13] >> 4, transport = data[13] & 15;
    size_t taken = size_of_family(family);
    if (!are_additions_whole(block + taken, size - taken))
        return bad(out, "an addition to the PROXY header is longer than the header");
    bool is_ip = family == FAMILY_IP4 || family == FAMILY_IP6;
    if (!is_ip || transport != TRANSPORT_STREAM)
        return PROXY_DONE;
    size_t ip = family == FAMILY_IP4 ? 4 : 16;
    read_address(&out->from, block, ip, block + 2 * ip);
    read_address(&out->to, block + ip, ip, block + 2 * ip + 2);
    out->has_addresses = true;
    return PROXY_DONE;
}

/* Each byte is judged as soon as it is there. */
static enum proxy_result judge_fixed(const uint8_t *data, size_t len, struct proxy_header *out)
{
    if (len > 12 && data[12] != LOCAL && data[12] != PROXY)
        return bad(out, "the PROXY header's version or command is unknown");
    bool is_local = len > 12 && data[12] == LOCAL; /* what else it says does not count */
    if (len > 13 && !is_local && (data[13] >> 4 > FAMILY_UNIX || (data[13] & 15) > TRANSPORT_MAX))
        return bad(out, "the PROXY header's address family is unknown");
    if (len < FIXED_LEN)
        return PROXY_MORE;
    size_t size = read_u16(data + 14);
    if (size > PROXY_HEADER_BLOCK_MAX)
        return bad(out, "the PROXY header is longer than 4096 bytes");
    if (!is_local && size < size_of_family(data[13] >> 4))
        return bad(out, "the PROXY header is shorter than its addresses");
    return PROXY_DONE;
}

static enum proxy_result parse_block(const uint8_t *data, size_t len, struct proxy_header *out)
{
    size_t known = len < sizeof(signature) ? len : sizeof(signature);
    if (memcmp(data, signature, known) != 0)
        return bad(out, "it does not begin with a PROXY header");
    enum proxy_result result = judge_fixed(data, len, out);
    if (result != PROXY_DONE)
        return result;
    size_t size = read_u16(data + 14);
    if (len < FIXED_LEN + size)
        return PROXY_MORE;
    out->len = FIXED_LEN + size;
    return data[12] == LOCAL ? PROXY_DONE : read_block(data, size, out);
}

enum proxy_result proxy_header_parse(const uint8_t *data, size_t len, struct proxy_header *out)
{
    *out = (struct proxy_header){0};
    if (len == 0)
        return PROXY_MORE;
    return data[0] == signature[0] ? parse_block(data, len, out) : parse_line(data, len, out);
}

/* ---- writing ---- */

static size_t write_line(bool is_known, const struct addr *from, const struct addr *to,
                         uint8_t *out)
{
    char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];
    if (!is_known)
        return (size_t)snprintf((char *)out, PROXY_HEADER_WRITE_MAX, "PROXY UNKNOWN\r\n");
    return (size_t)snprintf((char *)out, PROXY_HEADER_WRITE_MAX, "PROXY TCP%u %s %s %u %u\r\n",
                            from->family, addr_format_ip(from, a), addr_format_ip(to, b),
                            from->port, to->port);
}

static void write_u16(uint8_t *at, size_t number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static size_t write_block(bool is_known, const struct addr *from, const struct addr *to,
                          uint8_t *out)
{
    size_t ip = !is_known ? 0 : from->family == 4 ? 4 : 16;
    size_t size = ip ? 2 * ip + 4 : 0;
    memcpy(out, signature, sizeof(signature));
    out[12] = PROXY;
    out[13] = (uint8_t)(!ip ? 0 : (ip == 4 ? FAMILY_IP4 : FAMILY_IP6) << 4 | TRANSPORT_STREAM);
    write_u16(out + 14, size);
    if (ip) {
        memcpy(out + FIXED_LEN, from->ip, ip);
        memcpy(out + FIXED_LEN + ip, to->ip, ip);
        write_u16(out + FIXED_LEN + 2 * ip, from->port);
        write_u16(out + FIXED_LEN + 2 * ip + 2, to->port);
    }
    return FIXED_LEN + size;
}

size_t proxy_header_write(unsigned version, const struct addr *from, const struct addr *to,
                          uint8_t out[PROXY_HEADER_WRITE_MAX])
{
    bool is_known = from->family && from->family == to->family;
    return version == 1 ? write_line(is_known, from, to, out)
                        : write_block(is_known, from, to, out);
}
