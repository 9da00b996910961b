/* PEM blocks. Pure; any thread. Base64 itself is wolfSSL's (constant time, for keys).
 * Must not know what the DER inside means.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/pem.h"

#include "lib/base/mem.h"
#include "lib/tls/tls_priv.h"

#include <wolfssl/wolfcrypt/coding.h>

enum { BASE64_MAX = 350000, LABEL_MAX = 64 };

static const struct slice begin_mark = {"-----BEGIN ", 11};
static const struct slice dashes = {"-----", 5};

static struct slice take_line(struct slice *rest)
{
    size_t at = slice_find_byte(*rest, '\n');
    struct slice line = slice_sub(*rest, 0, at);
    *rest = slice_sub(*rest, at + 1, rest->len);
    if (slice_ends_with(line, SLICE("\r")))
        line.len--;
    return line;
}

static bool is_begin(struct slice line, struct slice *label)
{
    if (!slice_starts_with(line, begin_mark) || !slice_ends_with(line, dashes) ||
        line.len < begin_mark.len + dashes.len)
        return false;
    *label = slice_sub(line, begin_mark.len, line.len - begin_mark.len - dashes.len);
    return label->len <= LABEL_MAX;
}

static bool is_end(struct slice line, struct slice label)
{
    static const struct slice end_mark = {"-----END ", 9};
    return line.len == end_mark.len + label.len + dashes.len && slice_starts_with(line, end_mark) &&
           slice_ends_with(line, dashes) &&
           slice_eq(slice_sub(line, end_mark.len, label.len), label);
}

enum err pem_next(struct slice *rest, struct pem_block *out)
{
    struct slice line;
    do {
        if (slice_is_empty(*rest))
            return ERR_EOF;
        line = take_line(rest);
    } while (!is_begin(line, &out->label));
    const char *start = line.ptr, *body = rest->ptr;
    struct slice behind = *rest;
    for (;;) {
        bool cut = slice_is_empty(behind);
        line = take_line(&behind);
        if (!cut && is_end(line, out->label))
            break;
        if (cut || slice_find_byte(line, ':') < line.len || slice_starts_with(line, dashes))
            return ERR_SYNTAX;
    }
    *rest = behind;
    out->base64 = slice_of(body, (size_t)(line.ptr - body));
    out->whole = slice_of(start, (size_t)(line.ptr + line.len - start));
    return ERR_OK;
}

/* How many bytes the text stands for if all of it is base64; the library's decoder stops without an
 * error at the first padding and at a cut group. */
static size_t decoded_size(struct slice base64)
{
    size_t chars = 0, pads = 0;
    for (size_t i = 0; i < base64.len; i++) {
        char c = base64.ptr[i];
        if (c == '\n' || c == '\r')
            continue;
        chars++;
        pads += c == '=';
    }
    return chars % 4 || pads > 2 ? 0 : chars / 4 * 3 - pads;
}

enum err pem_decode(const struct pem_block *block, uint8_t **der, size_t *len)
{
    if (block->base64.len > BASE64_MAX)
        return ERR_LIMIT;
    size_t size = decoded_size(block->base64);
    word32 room = (word32)size + 4;
    uint8_t *out = mem_alloc(room);
    if (size == 0 ||
        Base64_Decode((const byte *)block->base64.ptr, (word32)block->base64.len, out, &room) !=
            0 ||
        room != size) {
        mem_free(out);
        return ERR_SYNTAX;
    }
    *der = out;
    *len = size;
    return ERR_OK;
}

enum err pem_find(struct slice text, const char *label, const char *label2, uint8_t **der,
                  size_t *len)
{
    struct pem_block block;
    for (;;) {
        enum err e = pem_next(&text, &block);
        if (e)
            return e == ERR_EOF ? ERR_NOT_FOUND : e;
        if (slice_eq_cstr(block.label, label) || (label2 && slice_eq_cstr(block.label, label2)))
            return pem_decode(&block, der, len);
    }
}

char *pem_encode(const char *label, struct slice der)
{
    word32 room = (word32)(der.len / 3 * 4 + der.len / 48 + 16);
    char *base64 = mem_alloc(room);
    if (Base64_Encode((const byte *)der.ptr, (word32)der.len, (byte *)base64, &room) != 0)
        room = 0;
    char *text =
        mem_printf("-----BEGIN %s-----\n%.*s-----END %s-----\n", label, (int)room, base64, label);
    mem_free(base64);
    return text;
}
