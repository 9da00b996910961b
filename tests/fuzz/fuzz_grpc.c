/* gRPC's frames, cut as the first byte says: the same messages as in one piece, none above the
 * limit. And its texts and timeouts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/net/grpc.h"

enum { LIMIT = 300 };

/* A digest of all messages, and how it ended. */
static uint64_t read_all(const uint8_t *data, size_t len, size_t piece, enum err *last)
{
    struct grpc_reader r;
    uint64_t sum = 0;
    grpc_reader_init(&r, LIMIT);
    *last = ERR_AGAIN;
    for (size_t at = 0; at < len && *last == ERR_AGAIN; at += piece) {
        char *message;
        size_t n;
        buf_append(&r.in, data + at, len - at < piece ? len - at : piece);
        while (!(*last = grpc_reader_next(&r, &message, &n))) {
            if (n > LIMIT)
                abort();
            sum = sum * 31 + slice_hash(slice_of(message, n)) + n;
            mem_free(message);
        }
    }
    grpc_reader_dispose(&r);
    return sum;
}

static void try_text(struct slice text)
{
    struct arena a;
    uint32_t ms;
    arena_init(&a, 1024);
    struct slice coded = grpc_text_encode(&a, text);
    if (!slice_eq(grpc_text_decode(&a, coded), text))
        abort();
    if (grpc_text_decode(&a, text).len > text.len)
        abort();
    (void)!grpc_timeout_parse(text, &ms);
    (void)grpc_status_parse(text);
    arena_dispose(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    enum err whole, cut;
    if (len < 1 || len > 4096)
        return 0;
    size_t piece = data[0] % 16 + 1u;
    uint64_t a = read_all(data + 1, len - 1, len, &whole);
    uint64_t b = read_all(data + 1, len - 1, piece, &cut);
    if (a != b || whole != cut)
        abort();
    try_text(slice_of(data + 1, len - 1));
    return 0;
}
