/* Bodies, and above all the chunked coding (RFC 9112 §7.1) without its leniences: no white space,
 * no bare line ends, at most 15 digits, short extensions. Pure but for the gathered trailer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_body.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/text/chars.h"

enum {
    SIZE_DIGITS_MAX = 15,
    EXTENSION_MAX = 4096, /* of one body; no honest sender needs them */
    TRAILER_MIN = 256,
};

enum step {
    STEP_SIZE,      /* hexadecimal digits */
    STEP_EXT_NAME,  /* behind ';' */
    STEP_EXT_VALUE, /* behind '=' */
    STEP_SIZE_LF,
    STEP_DATA,
    STEP_DATA_CR,
    STEP_DATA_LF,
    STEP_TRAILER,
    STEP_OVER,
};

void h1_body_init(struct h1_body *b, enum h1_body_mode mode, uint64_t length, uint32_t trailer_max)
{
    *b = (struct h1_body){.mode = (uint8_t)mode, .left = length, .trailer_max = trailer_max};
    if (mode == H1_BODY_CHUNKED)
        b->left = 0;
}

void h1_body_dispose(struct h1_body *b)
{
    mem_free(b->trailer);
    b->trailer = NULL;
    b->trailer_len = b->trailer_capacity = 0;
}

struct slice h1_body_trailer(const struct h1_body *b)
{
    return slice_of(b->trailer, b->trailer_len);
}

static enum h1_body_result fail(struct h1_body *b, enum h1_bad bad)
{
    b->bad = (uint8_t)bad;
    return H1_BODY_BAD;
}

static enum h1_body_result take_content(struct h1_body *b, const uint8_t *data, size_t len,
                                        size_t *used, struct slice *piece)
{
    *used = len < b->left ? len : (size_t)b->left;
    b->left -= *used;
    *piece = slice_of(data, *used);
    return *used ? H1_BODY_DATA : H1_BODY_MORE;
}

/* Name or value ended: the next extension, the value, or the line's end. */
static enum h1_bad end_extension_part(struct h1_body *b, char c)
{
    bool empty = b->digits == 0;
    b->digits = 0;
    if (empty)
        return H1_BAD_CHUNK_EXTENSION;
    if (c == ';')
        b->step = STEP_EXT_NAME;
    else if (c == '=' && b->step == STEP_EXT_NAME)
        b->step = STEP_EXT_VALUE;
    else if (c == '\r')
        b->step = STEP_SIZE_LF;
    else
        return H1_BAD_CHUNK_EXTENSION;
    return H1_BAD_NOTHING;
}

/* `digits` is 1 once the part has any byte, 2 behind the end of a quoted string. */
static enum h1_bad eat_extension(struct h1_body *b, char c)
{
    if (++b->extension > EXTENSION_MAX)
        return H1_BAD_CHUNK_EXTENSION;
    if (b->quoted) {
        if (!chars_is(c, CHARS_VALUE))
            return H1_BAD_CHUNK_EXTENSION;
        if (b->quoted == 2)
            b->quoted = 1;
        else if (c == '\\')
            b->quoted = 2;
        else if (c == '"')
            b->quoted = 0;
        return H1_BAD_NOTHING;
    }
    if (chars_is(c, CHARS_TOKEN) && b->digits < 2) {
        b->digits = 1;
        return H1_BAD_NOTHING;
    }
    if (c == '"' && b->step == STEP_EXT_VALUE && b->digits == 0) {
        b->digits = 2;
        b->quoted = 1;
        return H1_BAD_NOTHING;
    }
    return end_extension_part(b, c);
}

static enum h1_bad eat_size(struct h1_body *b, char c)
{
    if (chars_is(c, CHARS_HEX)) {
        if (++b->digits > SIZE_DIGITS_MAX)
            return H1_BAD_CHUNK_SIZE;
        b->left = b->left << 4 | chars_hex_value(c);
        return H1_BAD_NOTHING;
    }
    if (b->digits == 0 || (c != '\r' && c != ';'))
        return H1_BAD_CHUNK_SIZE;
    b->digits = 0;
    b->step = c == ';' ? STEP_EXT_NAME : STEP_SIZE_LF;
    return H1_BAD_NOTHING;
}

/* One byte of everything but content and trailer. */
static enum h1_bad eat(struct h1_body *b, char c)
{
    switch (b->step) {
    case STEP_SIZE:
        return eat_size(b, c);
    case STEP_EXT_NAME:
    case STEP_EXT_VALUE:
        return eat_extension(b, c);
    case STEP_SIZE_LF:
        b->step = b->left ? STEP_DATA : STEP_TRAILER;
        return c == '\n' ? H1_BAD_NOTHING : H1_BAD_CHUNK_SIZE;
    case STEP_DATA_CR:
        b->step = STEP_DATA_LF;
        return c == '\r' ? H1_BAD_NOTHING : H1_BAD_CHUNK_END;
    default: /* STEP_DATA_LF */
        b->step = STEP_SIZE;
        return c == '\n' ? H1_BAD_NOTHING : H1_BAD_CHUNK_END;
    }
}

static void gather(struct h1_body *b, const uint8_t *data, size_t len)
{
    uint32_t need = b->trailer_len + (uint32_t)len;
    if (need > b->trailer_capacity) {
        uint32_t capacity = b->trailer_capacity ? b->trailer_capacity : TRAILER_MIN;
        while (capacity < need)
            capacity *= 2;
        b->trailer = mem_realloc(b->trailer, capacity);
        b->trailer_capacity = capacity;
    }
    memcpy(b->trailer + b->trailer_len, data, len);
    b->trailer_len = need;
}

/* The trailer section line by line, until the empty line. */
static enum h1_body_result take_trailer(struct h1_body *b, const uint8_t *data, size_t len,
                                        size_t *used)
{
    size_t at = *used;
    while (at < len) {
        const uint8_t *newline = memchr(data + at, '\n', len - at);
        size_t n = newline ? (size_t)(newline + 1 - (data + at)) : len - at;
        if (b->trailer_len + n > b->trailer_max + 2)
            return fail(b, H1_BAD_TRAILERS_TOO_LARGE);
        gather(b, data + at, n);
        at += n;
        *used = at;
        if (!newline)
            break;
        uint32_t total = b->trailer_len;
        if (total < 2 || b->trailer[total - 2] != '\r')
            return fail(b, H1_BAD_TRAILER);
        if (total == 2 || b->trailer[total - 3] == '\n') {
            b->step = STEP_OVER;
            return H1_BODY_END;
        }
    }
    return H1_BODY_MORE;
}

static enum h1_body_result next_chunked(struct h1_body *b, const uint8_t *data, size_t len,
                                        size_t *used, struct slice *piece)
{
    while (*used < len && b->step != STEP_TRAILER && b->step != STEP_OVER) {
        if (b->step == STEP_DATA) {
            size_t taken;
            enum h1_body_result result = take_content(b, data + *used, len - *used, &taken, piece);
            *used += taken;
            if (b->left == 0)
                b->step = STEP_DATA_CR;
            return result;
        }
        enum h1_bad bad = eat(b, (char)data[*used]);
        if (bad)
            return fail(b, bad);
        (*used)++;
    }
    if (b->step == STEP_OVER)
        return H1_BODY_END;
    return b->step == STEP_TRAILER ? take_trailer(b, data, len, used) : H1_BODY_MORE;
}

enum h1_body_result h1_body_next(struct h1_body *b, const uint8_t *data, size_t len, size_t *used,
                                 struct slice *piece)
{
    *used = 0;
    switch (b->mode) {
    case H1_BODY_CHUNKED:
        return next_chunked(b, data, len, used, piece);
    case H1_BODY_LENGTH:
        if (b->left == 0)
            return H1_BODY_END;
        return take_content(b, data, len, used, piece);
    case H1_BODY_UNTIL_CLOSE:
        *used = len;
        *piece = slice_of(data, len);
        return len ? H1_BODY_DATA : H1_BODY_MORE;
    default:
        return H1_BODY_END;
    }
}
