/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/encoder.h"

#include "lib/base/mem.h"
#include "lib/codec/compress/encoder_kind.h"
#include "lib/codec/compress/shelf.h"

const char *const content_coding_names[] = {
    [CODING_GZIP] = "gzip", [CODING_BROTLI] = "br", [CODING_ZSTD] = "zstd", NULL};

static const struct encoder_kind *const kinds[CODING_COUNT] = {
    [CODING_GZIP] = &encoder_gzip,
    [CODING_BROTLI] = &encoder_brotli,
    [CODING_ZSTD] = &encoder_zstd};

struct encoder {
    struct shelved shelved; /* first */
    enum content_coding coding;
    void *state;
};

static void destroy(struct shelved *of)
{
    struct encoder *e = (struct encoder *)of;
    kinds[e->coding]->destroy(e->state);
    mem_free(e);
}

static struct encoder *create(enum content_coding coding, int level)
{
    void *state = kinds[coding]->create(level);
    if (!state)
        return NULL;
    struct encoder *e = mem_zalloc(sizeof(*e));
    e->shelved.destroy = destroy;
    e->coding = coding;
    e->state = state;
    return e;
}

struct encoder *encoder_take(enum content_coding coding, int level)
{
    struct encoder *e = (struct encoder *)shelf_take(coding);
    if (!e)
        return create(coding, level);
    if (kinds[coding]->reset(e->state, level))
        return e;
    destroy(&e->shelved);
    return create(coding, level);
}

void encoder_give(struct encoder *e)
{
    if (e && (!kinds[e->coding]->reset || !shelf_put(e->coding, &e->shelved)))
        destroy(&e->shelved);
}

bool encoder_run(struct encoder *e, struct slice piece, enum encoder_flush flush, struct buf *out)
{
    return kinds[e->coding]->run(e->state, piece, flush, out);
}
