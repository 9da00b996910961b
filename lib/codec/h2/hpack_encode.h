/* HPACK, the sending side (RFC 7541): fields in, bytes out. Values that come back go into the
 * dynamic table; values that never do are learnt to be left out; secrets never go in. Strings are
 * not Huffman-coded. Part of one struct h2, on its thread. For lib/codec alone.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/h2/hpack_table.h"

/* Each well-known name has a slot of its own; the others share the rest. */
enum { HPACK_SLOTS = 128, HPACK_SHARED_SLOTS = HPACK_SLOTS - HPACK_ID_COUNT };

struct hpack_encoder {
    struct hpack_table table;
    uint16_t *slots; /* by name: number of the newest entry, its low bits; NULL: there is none */
    uint32_t lowest; /* of the table sizes announced since the last block; … */
    bool resized;    /* … if any */
};

void hpack_encode_init(struct hpack_encoder *e);
void hpack_encode_dispose(struct hpack_encoder *e);
/* The peer's SETTINGS_HEADER_TABLE_SIZE; we never use more than HPACK_TABLE_SIZE. */
void hpack_encode_resize(struct hpack_encoder *e, uint32_t max);

/* How many bytes a field or the beginning of a block may take. */
enum { HPACK_BEGIN_BOUND = 16, HPACK_FIELD_BOUND = 16 /* and both strings */ };
/* Each writes at `to` and returns where it ended. Begin comes first in every block. */
uint8_t *hpack_encode_begin(struct hpack_encoder *e, uint8_t *to);
/* `id` is that of the name: enum header_id or enum hpack_id. */
uint8_t *hpack_encode_field(struct hpack_encoder *e, uint8_t *to, uint16_t id, struct slice name,
                            struct slice value, bool never_index);
