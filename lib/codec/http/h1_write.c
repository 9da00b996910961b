/* Writing HTTP/1: a head goes into one reserved piece of the buffer, measured before. Pure;
 * whoever owns the buffer. Must not know connections: whether one goes on is the caller's word.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_write.h"

#include <string.h>

#include "lib/base/decimal.h"
#include "lib/base/mem.h"

enum {
    HEAD_EXTRA = 192, /* start line's own text, framing fields and Connection, generously */
};

#define ID_BIT(id) (UINT64_C(1) << (id))
/* Written from elsewhere, or not at all. */
#define SKIPPED                                                                                \
    (ID_BIT(HEADER_CONTENT_LENGTH) | ID_BIT(HEADER_TRANSFER_ENCODING) |                        \
     ID_BIT(HEADER_CONNECTION) | ID_BIT(HEADER_KEEP_ALIVE) | ID_BIT(HEADER_PROXY_CONNECTION) | \
     ID_BIT(HEADER_UPGRADE) | ID_BIT(HEADER_HTTP2_SETTINGS) | ID_BIT(HEADER_HOST))

_Static_assert(HEADER_COUNT <= 64, "ids of header names no longer fit a mask");

static char *put(char *at, struct slice s)
{
    if (s.len)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

#define PUT(at, literal) put((at), SLICE(literal))

static char *put_number(char *at, uint64_t number)
{
    return at + decimal_write(at, number);
}

static char *put_field(char *at, struct slice name, struct slice value)
{
    at = put(at, name);
    *at++ = ':';
    *at++ = ' ';
    at = put(at, value);
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

/* `seen` gathers the ids that were met. */
static char *put_fields(char *at, const struct headers *h, uint64_t *seen)
{
    for (uint32_t i = 0; i < h->count; i++) {
        const struct header *item = &h->items[i];
        *seen |= ID_BIT(item->id);
        if (!(ID_BIT(item->id) & SKIPPED))
            at = put_field(at, item->name, item->value);
    }
    return at;
}

static char *put_framing(char *at, enum h1_framing framing, uint64_t length)
{
    if (framing == H1_FRAMING_CHUNKED)
        return PUT(at, "transfer-encoding: chunked\r\n");
    if (framing != H1_FRAMING_LENGTH)
        return at;
    at = PUT(at, "content-length: ");
    at = put_number(at, length);
    return PUT(at, "\r\n");
}

static size_t fields_size(const struct headers *h)
{
    size_t size = 0;
    for (uint32_t i = 0; i < h->count; i++)
        size += h->items[i].name.len + h->items[i].value.len + 4;
    return size;
}

/* One piece of the buffer, or of the heap for heads that no chunk holds. */
struct piece {
    struct buf *out;
    char *begin;
    char *heap;
};

static struct piece begin_piece(struct buf *out, size_t size)
{
    struct piece p = {.out = out};
    size_t room;
    if (size > CHUNK_SIZE)
        p.begin = p.heap = mem_alloc(size);
    else
        p.begin = (char *)buf_reserve(out, size, &room);
    return p;
}

static void end_piece(const struct piece *p, const char *end)
{
    if (p->heap) {
        buf_append(p->out, p->heap, (size_t)(end - p->heap));
        mem_free(p->heap);
    } else {
        buf_commit(p->out, (size_t)(end - p->begin));
    }
}

static char *put_connection(char *at, const struct message *m, enum h1_connection connection,
                            bool te)
{
    struct slice options[3];
    unsigned count = 0;
    if (m->upgrade.len)
        options[count++] = SLICE("upgrade");
    if (te)
        options[count++] = SLICE("te");
    if (connection == H1_CONNECTION_CLOSE)
        options[count++] = SLICE("close");
    else if (connection == H1_CONNECTION_KEEP_ALIVE)
        options[count++] = SLICE("keep-alive");
    if (count == 0)
        return at;
    at = PUT(at, "connection: ");
    for (unsigned i = 0; i < count; i++) {
        if (i)
            at = PUT(at, ", ");
        at = put(at, options[i]);
    }
    at = PUT(at, "\r\n");
    return m->upgrade.len ? put_field(at, SLICE("upgrade"), m->upgrade) : at;
}

void h1_write_request(struct buf *out, const struct message *m, enum h1_framing framing,
                      uint64_t length, enum h1_connection connection)
{
    bool connect = slice_eq(m->method, SLICE("CONNECT"));
    struct slice target = connect ? m->authority : m->path;
    size_t size = HEAD_EXTRA + m->method.len + target.len + m->authority.len + m->upgrade.len +
                  fields_size(&m->headers);
    struct piece p = begin_piece(out, size);
    char *at = put(p.begin, m->method);
    *at++ = ' ';
    at = put(at, target);
    at = m->version == HTTP_1_0 ? PUT(at, " HTTP/1.0\r\n") : PUT(at, " HTTP/1.1\r\n");
    if (m->authority.len || m->version != HTTP_1_0)
        at = put_field(at, SLICE("host"), m->authority);
    uint64_t seen = 0;
    at = put_fields(at, &m->headers, &seen);
    at = put_framing(at, framing, length);
    at = put_connection(at, m, connection, (seen & ID_BIT(HEADER_TE)) != 0);
    end_piece(&p, PUT(at, "\r\n"));
}

void h1_write_response(struct buf *out, const struct message *m, enum h1_framing framing,
                       uint64_t length)
{
    struct slice reason = slice_from_cstr(message_reason(m->status));
    size_t size = HEAD_EXTRA + reason.len + m->upgrade.len + fields_size(&m->headers);
    struct piece p = begin_piece(out, size);
    char *at = PUT(p.begin, "HTTP/1.1 ");
    at = put_number(at, m->status);
    *at++ = ' ';
    at = put(at, reason);
    at = PUT(at, "\r\n");
    uint64_t seen = 0;
    at = put_fields(at, &m->headers, &seen);
    at = put_framing(at, framing, length);
    end_piece(&p, m->status == 101 ? put_connection(at, m, H1_CONNECTION_DEFAULT, false) : at);
}

void h1_write_head_end(struct buf *out, enum h1_connection connection)
{
    if (connection == H1_CONNECTION_CLOSE)
        buf_append_slice(out, SLICE("connection: close\r\n\r\n"));
    else if (connection == H1_CONNECTION_KEEP_ALIVE)
        buf_append_slice(out, SLICE("connection: keep-alive\r\n\r\n"));
    else
        buf_append_slice(out, SLICE("\r\n"));
}

void h1_write_chunk(struct buf *out, struct buf *data)
{
    static const char hex[] = "0123456789abcdef";
    char line[sizeof(size_t) * 2 + 2];
    size_t n = sizeof(line) - 2;
    if (data->len == 0)
        return;
    memcpy(line + n, "\r\n", 2);
    for (size_t left = data->len; left; left >>= 4)
        line[--n] = hex[left & 15];
    buf_append(out, line + n, sizeof(line) - n);
    buf_move_all(out, data);
    buf_append_slice(out, SLICE("\r\n"));
}

void h1_write_last_chunk(struct buf *out, const struct headers *trailers)
{
    if (!trailers || trailers->count == 0) {
        buf_append_slice(out, SLICE("0\r\n\r\n"));
        return;
    }
    struct piece p = begin_piece(out, 8 + fields_size(trailers));
    uint64_t seen = 0;
    char *at = put_fields(PUT(p.begin, "0\r\n"), trailers, &seen);
    end_piece(&p, PUT(at, "\r\n"));
}
