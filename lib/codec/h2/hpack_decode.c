/* Reads the representations of RFC 7541 §6. On the thread of its struct h2; every length is
 * checked against the bytes that are there before anything is done with it. Must not know what
 * fields mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/hpack_decode.h"

#include "lib/base/mem.h"
#include "lib/codec/h2/hpack_huffman.h"

enum { INTEGER_MAX = 1 << 24, TEXT_MIN = 256 };

static bool statics_are_good = true;

/* Bytes still to be read. */
struct window {
    const uint8_t *at, *end;
};

void hpack_decode_init(struct hpack_decoder *d, hpack_sink_fn sink, void *owner)
{
    *d = (struct hpack_decoder){.sink = sink, .owner = owner};
    hpack_table_init(&d->table);
}

void hpack_decode_end(struct hpack_decoder *d)
{
    mem_free(d->text);
    d->text = NULL;
    d->room = 0;
}

void hpack_decode_dispose(struct hpack_decoder *d)
{
    hpack_decode_end(d);
    hpack_table_dispose(&d->table);
}

void hpack_decode_begin(struct hpack_decoder *d)
{
    d->fields_seen = false;
}

static enum hpack_result read_long_integer(struct window *w, uint32_t value, uint32_t *out)
{
    for (unsigned shift = 0; w->at < w->end; shift += 7) {
        uint8_t byte = *w->at++;
        if (shift > 21)
            return HPACK_BAD;
        value += (uint32_t)(byte & 0x7f) << shift;
        if (value > INTEGER_MAX)
            return HPACK_BAD;
        if (byte < 0x80) {
            *out = value;
            return HPACK_DONE;
        }
    }
    return HPACK_MORE;
}

static void make_room(struct hpack_decoder *d, size_t want)
{
    if (want <= d->room)
        return;
    d->room = want < TEXT_MIN ? TEXT_MIN : want;
    d->text = mem_realloc(d->text, d->room);
}

/* RFC 7541 §5.1. There is at least one byte. */
static inline enum hpack_result read_integer(struct window *w, unsigned prefix, uint32_t *out)
{
    uint32_t mask = (1u << prefix) - 1;
    uint32_t value = *w->at++ & mask;
    *out = value;
    return value < mask ? HPACK_DONE : read_long_integer(w, value, out);
}

/* RFC 7541 §5.2. What is decoded goes to d->text from `from` on, which may move d->text. */
static enum hpack_result read_string(struct hpack_decoder *d, struct window *w, size_t from,
                                     struct slice *out)
{
    uint32_t len;
    if (w->at == w->end)
        return HPACK_MORE;
    bool huffman = *w->at & 0x80;
    enum hpack_result r = read_integer(w, 7, &len);
    if (r != HPACK_DONE)
        return r;
    if (len > (size_t)(w->end - w->at))
        return HPACK_MORE;
    const uint8_t *bytes = w->at;
    w->at += len;
    if (!huffman || len == 0) {
        *out = slice_of(bytes, len);
        return HPACK_DONE;
    }
    make_room(d, from + hpack_huffman_bound(len));
    size_t out_len;
    if (!hpack_huffman_decode(bytes, len, d->text + from, &out_len))
        return HPACK_BAD;
    *out = slice_of(d->text + from, out_len);
    return HPACK_DONE;
}

static struct hpack_entry *entry_at(const struct hpack_decoder *d, uint32_t index)
{
    return hpack_table_at(&d->table, d->table.newest - (index - HPACK_STATIC_COUNT - 1));
}

static inline enum hpack_result tell(struct hpack_decoder *d, const struct hpack_field *f)
{
    d->fields_seen = true;
    return d->sink(d->owner, f) ? HPACK_DONE : HPACK_STOPPED;
}

/* §6.1 */
static inline enum hpack_result indexed(struct hpack_decoder *d, struct window *w)
{
    uint32_t index;
    enum hpack_result r = read_integer(w, 7, &index);
    if (r != HPACK_DONE)
        return r;
    if (index == 0)
        return HPACK_BAD;
    if (index <= HPACK_STATIC_COUNT) {
        const struct hpack_static *s = hpack_table_static(index);
        struct hpack_field f = {
            .name = s->name, .value = s->value, .id = s->id, .is_good = &statics_are_good};
        return tell(d, &f);
    }
    struct hpack_entry *e = entry_at(d, index);
    if (!e)
        return HPACK_BAD;
    struct hpack_field f = {.name = hpack_entry_name(e),
                            .value = hpack_entry_value(e),
                            .id = e->id,
                            .is_good = &e->is_good};
    return tell(d, &f);
}

/* The name of a literal field: by index, or written out. */
static enum hpack_result read_name(struct hpack_decoder *d, struct window *w, uint32_t index,
                                   struct hpack_field *f)
{
    if (index == 0) {
        enum hpack_result r = read_string(d, w, 0, &f->name);
        if (r == HPACK_DONE)
            f->id = hpack_table_id_of(f->name);
        return r;
    }
    if (index <= HPACK_STATIC_COUNT) {
        f->name = hpack_table_static(index)->name;
        f->id = hpack_table_static(index)->id;
        return HPACK_DONE;
    }
    const struct hpack_entry *e = entry_at(d, index);
    if (!e)
        return HPACK_BAD;
    f->name = hpack_entry_name(e);
    f->id = e->id;
    return HPACK_DONE;
}

static enum hpack_result read_value(struct hpack_decoder *d, struct window *w,
                                    struct hpack_field *f)
{
    bool in_text = d->text && f->name.ptr == d->text;
    enum hpack_result r = read_string(d, w, in_text ? f->name.len : 0, &f->value);
    if (in_text)
        f->name.ptr = d->text;
    return r;
}

/* §6.2 */
static enum hpack_result literal(struct hpack_decoder *d, struct window *w, unsigned prefix)
{
    struct hpack_field f = {.never_index = (*w->at & 0xf0) == 0x10};
    bool add = prefix == 6;
    uint32_t index;
    enum hpack_result r = read_integer(w, prefix, &index);
    if (r == HPACK_DONE)
        r = read_name(d, w, index, &f);
    if (r == HPACK_DONE)
        r = read_value(d, w, &f);
    if (r != HPACK_DONE || !add)
        return r == HPACK_DONE ? tell(d, &f) : r;
    /* A name that lies in the table may leave with its entry: when nothing can be added, the field
     * is told first. */
    if (f.name.len + f.value.len + HPACK_ENTRY_COST > d->table.max) {
        r = tell(d, &f);
        hpack_table_add(&d->table, f.name, f.value, f.id);
        return r;
    }
    struct hpack_entry *e = hpack_table_add(&d->table, f.name, f.value, f.id);
    f.name = hpack_entry_name(e);
    f.value = hpack_entry_value(e);
    f.is_good = &e->is_good;
    return tell(d, &f);
}

/* §6.3, and only at the beginning of a block (§4.2). */
static enum hpack_result size_update(struct hpack_decoder *d, struct window *w)
{
    uint32_t max;
    enum hpack_result r = read_integer(w, 5, &max);
    if (r != HPACK_DONE)
        return r;
    if (d->fields_seen || max > HPACK_TABLE_SIZE)
        return HPACK_BAD;
    hpack_table_resize(&d->table, max);
    return HPACK_DONE;
}

static enum hpack_result representation(struct hpack_decoder *d, struct window *w)
{
    uint8_t first = *w->at;
    if (first & 0x80)
        return indexed(d, w);
    if (first & 0x40)
        return literal(d, w, 6);
    if (first & 0x20)
        return size_update(d, w);
    return literal(d, w, 4);
}

enum hpack_result hpack_decode_bytes(struct hpack_decoder *d, const uint8_t *data, size_t len,
                                     size_t *used)
{
    struct window w = {data, data + len};
    enum hpack_result r = HPACK_DONE;
    *used = 0;
    while (w.at < w.end && r == HPACK_DONE) {
        r = representation(d, &w);
        if (r == HPACK_DONE)
            *used = (size_t)(w.at - data);
    }
    return r;
}
