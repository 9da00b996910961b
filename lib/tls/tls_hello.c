/* Parses a ClientHello (RFC 8446 §4.1.2) that may be spread over several records, for its server
 * name (RFC 6066 §3) and for what the client can verify (RFC 8446 §4.2.3, RFC 8422 §5.1).
 * Pure; any thread. Must not know which certificates there are.
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

/* ---- which keys ---- */

enum {
    EXT_SERVER_NAME = 0,
    EXT_GROUPS = 10,
    EXT_SIGNATURES = 13,
    EXT_VERSIONS = 43,
    ECDSA = TLS_KEY_P256 | TLS_KEY_P384 | TLS_KEY_P521,
};

/* What the hello says that bears on it. */
struct offer {
    bool is_tls13, has_signatures, has_groups;
    unsigned schemes13, schemes12; /* keys by signature algorithms, with TLS 1.3 and 1.2 */
    unsigned groups;               /* keys by their curves */
};

struct code {
    uint16_t code;
    uint8_t keys13, keys12;
};

/* TLS 1.3 binds ECDSA schemes to a curve, TLS 1.2 does not; PKCS #1 signs handshakes with TLS 1.2
 * only. */
static const struct code schemes[] = {
    {0x0403, TLS_KEY_P256, ECDSA},          {0x0503, TLS_KEY_P384, ECDSA},
    {0x0603, TLS_KEY_P521, ECDSA},          {0x0804, TLS_KEY_RSA, TLS_KEY_RSA},
    {0x0805, TLS_KEY_RSA, TLS_KEY_RSA},     {0x0806, TLS_KEY_RSA, TLS_KEY_RSA},
    {0x0401, 0, TLS_KEY_RSA},               {0x0501, 0, TLS_KEY_RSA},
    {0x0601, 0, TLS_KEY_RSA},               {0x0807, TLS_KEY_ED25519, TLS_KEY_ED25519},
};
static const struct code groups[] = {
    {23, 0, TLS_KEY_P256}, {24, 0, TLS_KEY_P384}, {25, 0, TLS_KEY_P521}};

#define GATHER(codes, table, keys13, keys12) \
    gather(codes, table, sizeof(table) / sizeof((table)[0]), keys13, keys12)

static void gather(struct cursor codes, const struct code *table, size_t count, unsigned *keys13,
                   unsigned *keys12)
{
    size_t code;
    while (take_number(&codes, 2, &code))
        for (size_t i = 0; i < count; i++)
            if (table[i].code == code) {
                *keys13 |= table[i].keys13;
                *keys12 |= table[i].keys12;
            }
}

static void note_versions(struct cursor ext, struct offer *o)
{
    struct cursor list;
    size_t version;
    if (take_vector(&ext, 1, &list))
        while (take_number(&list, 2, &version))
            o->is_tls13 |= version == 0x0304;
}

/* What is malformed here the handshake itself refuses. */
static void note(size_t type, struct cursor ext, struct offer *o)
{
    struct cursor list;
    unsigned none = 0;
    if (type == EXT_VERSIONS) {
        note_versions(ext, o);
    } else if (type == EXT_SIGNATURES && take_vector(&ext, 2, &list)) {
        o->has_signatures = true;
        GATHER(list, schemes, &o->schemes13, &o->schemes12);
    } else if (type == EXT_GROUPS && take_vector(&ext, 2, &list)) {
        o->has_groups = true;
        GATHER(list, groups, &none, &o->groups);
    }
}

/* By index in tls_suites. */
static unsigned gather_suites(struct cursor codes)
{
    unsigned found = 0;
    size_t code;
    while (take_number(&codes, 2, &code))
        for (size_t i = 0; i < TLS_SUITE_COUNT; i++)
            if (tls_suites[i].code == code)
                found |= 1u << i;
    return found;
}

static void conclude(const struct offer *o, struct tls_hello *out)
{
    unsigned by_curve = o->has_groups ? o->groups | (unsigned)~ECDSA : TLS_KEY_ANY;
    out->is_tls13 = o->is_tls13;
    out->keys13 = o->has_signatures ? o->schemes13 : TLS_KEY_ANY;
    out->keys12 = (o->has_signatures ? o->schemes12 : TLS_KEY_ANY) & by_curve;
}

unsigned tls_hello_keys(const struct tls_hello *hello, unsigned suites, bool tls13)
{
    unsigned by_suite = 0;
    if (hello->is_tls13 && tls13)
        return hello->keys13;
    for (size_t i = 0; i < TLS_SUITE_COUNT; i++)
        if (hello->suites & suites & 1u << i)
            by_suite |= tls_suites[i].keys;
    return hello->keys12 & by_suite;
}

static enum err parse_extensions(struct cursor all, struct offer *offer, struct tls_hello *out,
                                 char detail[TLS_DETAIL_MAX])
{
    struct cursor ext;
    size_t type;
    bool seen = false;
    while (all.left) {
        if (!take_number(&all, 2, &type) || !take_vector(&all, 2, &ext))
            return bad(out, ALERT_DECODE_ERROR, "malformed extensions", detail);
        note(type, ext, offer);
        if (type != EXT_SERVER_NAME)
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
    struct cursor skipped, ciphers, extensions;
    struct offer offer = {0};
    if (!take(&body, 2 + 32, &skipped) || !take_vector(&body, 1, &skipped) ||
        !take_vector(&body, 2, &ciphers) || !take_vector(&body, 1, &skipped))
        return bad(out, ALERT_DECODE_ERROR, "cut short", detail);
    out->suites = gather_suites(ciphers);
    conclude(&offer, out);
    if (body.left == 0)
        return ERR_OK;
    if (!take_vector(&body, 2, &extensions) || body.left)
        return bad(out, ALERT_DECODE_ERROR, "malformed extensions", detail);
    enum err e = parse_extensions(extensions, &offer, out, detail);
    conclude(&offer, out);
    return e;
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
