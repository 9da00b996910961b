/* HPACK, the receiving side (RFC 7541): bytes of a header block in, fields out, one block after
 * the other. A field that the bytes so far only begin is left for later. Part of one struct h2, on
 * its thread; must not know what fields mean. For lib/codec alone.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/h2/hpack_table.h"

struct hpack_field {
    struct slice name, value; /* only until the sink returns */
    uint16_t id;              /* enum header_id or enum hpack_id */
    bool never_index;
    bool *is_good; /* where the verdict on name and value is kept; NULL: nowhere */
};

/* False stops the decoding for good. */
typedef bool (*hpack_sink_fn)(void *owner, const struct hpack_field *field);

struct hpack_decoder {
    struct hpack_table table;
    hpack_sink_fn sink;
    void *owner;
    bool fields_seen; /* in this block */
    char *text;       /* decoded Huffman strings of one field */
    size_t room;
};

enum hpack_result {
    HPACK_DONE,    /* all bytes are used */
    HPACK_MORE,    /* the rest begins a field that is not whole */
    HPACK_BAD,     /* malformed: the connection cannot go on */
    HPACK_STOPPED, /* the sink said so */
};

void hpack_decode_init(struct hpack_decoder *d, hpack_sink_fn sink, void *owner);
void hpack_decode_dispose(struct hpack_decoder *d);
/* Before the first bytes of each block. */
void hpack_decode_begin(struct hpack_decoder *d);
/* *used: how many bytes were taken. */
enum hpack_result hpack_decode_bytes(struct hpack_decoder *d, const uint8_t *data, size_t len,
                                     size_t *used);
/* After the last: holds no memory but the table. */
void hpack_decode_end(struct hpack_decoder *d);
