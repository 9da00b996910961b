/* Protocol Buffers by hand, for one message: tags, lengths and bytes. Pure. Must not know who gets
 * it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/update_write.h"

#include "lib/base/mem.h"

enum { VARINT = 0, BYTES = 2, VARINT_MAX = 10 };
/* Field numbers of Update and of Answer. */
enum { SERIAL = 1, RESOURCES = 2, REMOVED = 3, ANSWERS = 4, DIGEST = 5 };
enum { ANSWER_ADDRESS = 1, ANSWER_RESOURCES = 2 };

void update_write_init(struct update_write *w)
{
    *w = (struct update_write){0};
}

void update_write_dispose(struct update_write *w)
{
    mem_free(w->data);
    update_write_init(w);
}

static void reserve(struct update_write *w, size_t more)
{
    if (w->len + more <= w->capacity)
        return;
    w->capacity = (w->len + more) * 2;
    w->data = mem_realloc(w->data, w->capacity);
}

static void put_varint(struct update_write *w, uint64_t value)
{
    reserve(w, VARINT_MAX);
    for (; value >= 0x80; value >>= 7)
        w->data[w->len++] = (uint8_t)(value | 0x80);
    w->data[w->len++] = (uint8_t)value;
}

static void put_bytes(struct update_write *w, unsigned field, const void *data, size_t len)
{
    put_varint(w, field << 3 | BYTES);
    put_varint(w, len);
    reserve(w, len);
    if (len)
        memcpy(w->data + w->len, data, len);
    w->len += len;
}

static size_t varint_len(uint64_t value)
{
    size_t len = 1;
    for (; value >= 0x80; value >>= 7)
        len++;
    return len;
}

static size_t bytes_len(size_t len)
{
    return 1 + varint_len(len) + len;
}

void update_write_serial(struct update_write *w, uint64_t serial)
{
    put_varint(w, SERIAL << 3 | VARINT);
    put_varint(w, serial);
}

void update_write_digest(struct update_write *w, uint64_t digest)
{
    put_varint(w, DIGEST << 3 | VARINT);
    put_varint(w, digest);
}

void update_write_resource(struct update_write *w, const struct packed_resource *p)
{
    put_bytes(w, RESOURCES, p->bytes, p->len);
}

void update_write_removed(struct update_write *w, struct slice name)
{
    put_bytes(w, REMOVED, name.ptr, name.len);
}

void update_write_answer(struct update_write *w, struct slice address, const struct answer *a)
{
    size_t len = bytes_len(address.len);
    for (size_t i = 0; i < a->count; i++)
        len += bytes_len(a->packed[i]->name->len);
    put_varint(w, ANSWERS << 3 | BYTES);
    put_varint(w, len);
    put_bytes(w, ANSWER_ADDRESS, address.ptr, address.len);
    for (size_t i = 0; i < a->count; i++)
        put_bytes(w, ANSWER_RESOURCES, a->packed[i]->name->text, a->packed[i]->name->len);
}
