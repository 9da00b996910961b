/* Parses a ClientHello (RFC 8446 §4.1.2) that may be spread over several records, for its server
 * name alone (RFC 6066 §3). Pure; any thread. Must not know which certificates there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_hello.h"

#include <stdbool.h>
#include <string.h>

#include "lib/tls/tls_err.h"

enum {
    RECORD_HEADER = 5,
    HANDSHAKE_HEADER = 4,
    RECORDS_MAX = 16,
    ALERT_ILLEGAL_PARAMETER = 47,
    ALERT_DECODE_ERROR = 50,
};

struct cursor {
    const uint8_t *at;
    size_t left;
};

static bool take(struct cursor *c, size_t n, struct cursor *out)
{
    if (n > c->left)
        return false;
    *out = (struct cursor){c->at, n};
    c->at += n;
    c->left -= n;
    return true;
}

/* Big-endian, 1 to 3 bytes. */
static bool take_number(struct cursor *c, size_t bytes, size_t *out)
{
    struct cursor n;
    if (!take(c, bytes, &n))
        return false;
    *out = 0;
    for (size_t i = 0; i < bytes; i++)
        *out = *out << 8 | n.at[i];
    return true;
}

/* A vector with a length in front. */
static bool take_vector(struct cursor *c, size_t length_bytes, struct cursor *out)
{
    size_t n;
    return take_number(c, length_bytes, &n) && take(c, n, out);
}

static bool is_host_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static bool copy_name(struct cursor name, char out[TLS_HELLO_SNI_MAX])
{
    if (name.left == 0 || name.left >= TLS_HELLO_SNI_MAX)
        return false;
    for (size_t i = 0; i < name.left; i++) {
        uint8_t c = name.at[i];
        if (!is_host_char(c))
            return false;
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[name.left] = 0;
    return true;
}

static enum err bad(struct tls_hello *out, uint8_t alert, const char *why,
                    char detail[TLS_DETAIL_MAX])
{
    out->alert = alert;
    return tls_err_say(ERR_PROTOCOL, detail, "ClientHello: %s", why);
}

static enum err parse_server_name(struct cursor ext, struct tls_hello *out,
                                  char detail[TLS_DETAIL_MAX])
{
    struct cursor list, name;
    size_t type;
    if (!take_vector(&ext, 2, &list) || ext.left || !take_number(&list, 1, &type) ||
        !take_vector(&list, 2, &name) || list.left || type != 0)
        return bad(out, ALERT_DECODE_ERROR, "malformed server_name", detail);
    if (!copy_name(name, out->sni))
        return bad(out, ALERT_ILLEGAL_PARAMETER, "the server name is not a host name", detail);
    return ERR_OK;
}

static enum err parse_extensions(struct cursor all, struct tls_hello *out,
                                 char detail[TLS_DETAIL_MAX])
{
    struct cursor ext;
    size_t type;
    bool seen = false;
    while (all.left) {
        if (!take_number(&all, 2, &type) || !take_vector(&all, 2, &ext))
            return bad(out, ALERT_DECODE_ERROR, "malformed extensions", detail);
        if (type != 0)
            continue;
        if (seen)
            return bad(out, ALERT_ILLEGAL_PARAMETER, "server_name twice", detail);
        seen = true;
        enum err e = parse_server_name(ext, out, detail);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* Without its handshake header. */
static enum err parse_body(struct cursor body, struct tls_hello *out, char detail[TLS_DETAIL_MAX])
{
    struct cursor skipped, extensions;
    if (!take(&body, 2 + 32, &skipped) || !take_vector(&body, 1, &skipped) ||
        !take_vector(&body, 2, &skipped) || !take_vector(&body, 1, &skipped))
        return bad(out, ALERT_DECODE_ERROR, "cut short", detail);
    if (body.left == 0)
        return ERR_OK;
    if (!take_vector(&body, 2, &extensions) || body.left)
        return bad(out, ALERT_DECODE_ERROR, "malformed extensions", detail);
    return parse_extensions(extensions, out, detail);
}

/* How many handshake bytes the whole hello has, once its header is there; 0 before. */
static size_t hello_size(const uint8_t *bytes, size_t len)
{
    if (len < HANDSHAKE_HEADER)
        return 0;
    return HANDSHAKE_HEADER + ((size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3]);
}

static enum err check_first_bytes(const uint8_t *data, size_t len, struct tls_hello *out,
                                  char detail[TLS_DETAIL_MAX])
{
    if (len > 0 && data[0] != 22)
        return tls_err_say(ERR_PROTOCOL, detail, "not TLS: the first byte is 0x%02x", data[0]);
    if (len > 1 && data[1] != 3)
        return tls_err_say(ERR_PROTOCOL, detail, "not TLS: record version 0x%02x", data[1]);
    if (len > RECORD_HEADER && data[RECORD_HEADER] != 1)
        return bad(out, 10, "another handshake message came first", detail);
    return len < RECORD_HEADER ? ERR_AGAIN : ERR_OK;
}

enum err tls_hello_parse(const uint8_t *data, size_t len, struct tls_hello *out,
                         char detail[TLS_DETAIL_MAX])
{
    uint8_t joined[TLS_HELLO_MAX];
    size_t have = 0;
    struct cursor all = {data, len}, record;
    *out = (struct tls_hello){.alert = 0};
    enum err e = check_first_bytes(data, len, out, detail);
    if (e)
        return e;
    for (unsigned n = 0;; n++) {
        size_t type, version;
        if (n == RECORDS_MAX)
            return bad(out, ALERT_DECODE_ERROR, "spread over too many records", detail);
        bool header = take_number(&all, 1, &type) && take_number(&all, 2, &version);
        if (!header || !take_vector(&all, 2, &record))
            break;
        if (type != 22 || record.left == 0)
            return bad(out, 10, "mixed with other records", detail);
        if (record.left > sizeof(joined) - have)
            return bad(out, ALERT_DECODE_ERROR, "larger than 16384 bytes", detail);
        memcpy(joined + have, record.at, record.left);
        have += record.left;
        size_t size = hello_size(joined, have);
        if (size && have >= size)
            return parse_body((struct cursor){joined + HANDSHAKE_HEADER, size - HANDSHAKE_HEADER},
                              out, detail);
    }
    if (len >= TLS_HELLO_MAX)
        return bad(out, ALERT_DECODE_ERROR, "larger than 16384 bytes", detail);
    return ERR_AGAIN;
}
