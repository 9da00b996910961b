/* Distinguished names as text, escaped so that a certificate cannot forge the look of another one's
 * name (RFC 4514 §2.4, with hex pairs for every byte that is not plain). Pure; any thread.
 * Must not know what the name is used for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/x509_subject.h"

#include <string.h>

#include "lib/tls/der.h"

enum { PARTS_MAX = 16 };

struct text {
    char *at;
    size_t left;
};

static bool put(struct text *t, const char *bytes, size_t len)
{
    if (len > t->left)
        return false;
    memcpy(t->at, bytes, len);
    t->at += len;
    t->left -= len;
    return true;
}

static const char *short_name(struct slice oid)
{
    static const struct {
        struct slice oid;
        const char *name;
    } known[] = {
        {{"\x55\x04\x03", 3}, "CN"},
        {{"\x55\x04\x05", 3}, "serialNumber"},
        {{"\x55\x04\x06", 3}, "C"},
        {{"\x55\x04\x07", 3}, "L"},
        {{"\x55\x04\x08", 3}, "ST"},
        {{"\x55\x04\x09", 3}, "STREET"},
        {{"\x55\x04\x0a", 3}, "O"},
        {{"\x55\x04\x0b", 3}, "OU"},
        {{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10}, "DC"},
        {{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10}, "UID"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (slice_eq(known[i].oid, oid))
            return known[i].name;
    }
    return "OID";
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr(" -._:/@()'&*!", c);
}

static bool put_value(struct text *t, struct slice value)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool at_edge = i == 0 || i + 1 == value.len;
        if (c && is_plain(c) && !(c == ' ' && at_edge)) {
            if (!put(t, &c, 1))
                return false;
            continue;
        }
        char pair[3] = {'\\', digits[(uint8_t)c >> 4], digits[c & 15]};
        if (!put(t, pair, 3))
            return false;
    }
    return true;
}

static bool is_string(uint8_t tag)
{
    return tag == DER_UTF8 || tag == 0x13 || tag == 0x14 || tag == 0x16;
}

/* One AttributeTypeAndValue. */
static bool put_attribute(struct text *t, struct slice content)
{
    struct der_item oid, value;
    if (!der_next(&content, &oid) || !der_next(&content, &value) || oid.tag != DER_OID)
        return false;
    const char *name = short_name(oid.content);
    return put(t, name, strlen(name)) && put(t, "=", 1) && is_string(value.tag) &&
           put_value(t, value.content);
}

/* One RelativeDistinguishedName; several attributes are joined by '+'. */
static bool put_part(struct text *t, struct slice set)
{
    struct der_item attribute;
    bool first = true;
    while (der_next(&set, &attribute)) {
        if ((!first && !put(t, "+", 1)) || !put_attribute(t, attribute.content))
            return false;
        first = false;
    }
    return true;
}

size_t x509_subject_text(struct slice raw, char text[X509_SUBJECT_MAX])
{
    struct slice parts[PARTS_MAX];
    struct der_item item;
    size_t count = 0;
    struct text t = {text, X509_SUBJECT_MAX - 3};
    while (count < PARTS_MAX && der_next(&raw, &item))
        parts[count++] = item.content;
    bool complete = raw.len == 0;
    for (size_t i = count; complete && i > 0; i--)
        complete = (i == count || put(&t, ",", 1)) && put_part(&t, parts[i - 1]);
    if (!complete) {
        memcpy(t.at, "...", 3);
        t.at += 3;
    }
    return (size_t)(t.at - text);
}
