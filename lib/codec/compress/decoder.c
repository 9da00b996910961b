/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/decoder.h"

#include "lib/base/mem.h"
#include "lib/codec/compress/decoder_kind.h"
#include "lib/codec/compress/shelf.h"

const char *const decoder_coding_names[] = {[DECODER_GZIP] = "gzip",
                                            [DECODER_DEFLATE] = "deflate",
                                            [DECODER_BROTLI] = "br",
                                            [DECODER_ZSTD] = "zstd",
                                            NULL};

static const struct decoder_kind *const kinds[DECODER_COUNT] = {
    [DECODER_GZIP] = &decoder_gzip,
    [DECODER_DEFLATE] = &decoder_deflate,
    [DECODER_BROTLI] = &decoder_brotli,
    [DECODER_ZSTD] = &decoder_zstd};

_Static_assert(SHELF_DECODERS + DECODER_COUNT <= SHELF_BLOCKS, "each has its place");

struct decoder {
    struct shelved shelved; /* first */
    enum decoder_coding coding;
    void *state;
    bool is_within; /* a stream, which has begun and not ended */
    bool is_over;   /* one has ended, and no other may follow */
};

bool decoder_coding_of(struct slice name, enum decoder_coding *coding)
{
    if (slice_eq_nocase(name, SLICE("x-gzip")))
        name = SLICE("gzip");
    for (int i = 0; i < DECODER_COUNT; i++)
        if (slice_eq_nocase(name, slice_from_cstr(decoder_coding_names[i]))) {
            *coding = (enum decoder_coding)i;
            return true;
        }
    return false;
}

static void destroy(struct shelved *of)
{
    struct decoder *d = (struct decoder *)of;
    kinds[d->coding]->destroy(d->state);
    mem_free(d);
}

struct decoder *decoder_take(enum decoder_coding coding)
{
    struct decoder *d = (struct decoder *)shelf_take(SHELF_DECODERS + coding);
    if (d)
        return d;
    void *state = kinds[coding]->create();
    if (!state)
        return NULL;
    d = mem_zalloc(sizeof(*d));
    d->shelved.destroy = destroy;
    d->coding = coding;
    d->state = state;
    return d;
}

void decoder_give(struct decoder *d)
{
    if (!d)
        return;
    const struct decoder_kind *kind = kinds[d->coding];
    d->is_within = d->is_over = false;
    bool is_new = kind->reset && kind->reset(d->state);
    if (!is_new || !shelf_put(SHELF_DECODERS + d->coding, &d->shelved))
        destroy(&d->shelved);
}

enum decoder_result decoder_run(struct decoder *d, struct slice *in, size_t most, struct buf *out)
{
    const struct decoder_kind *kind = kinds[d->coding];
    for (size_t total = 0; total < most;) {
        size_t room, made = 0;
        if (!in->len && !d->is_within)
            return DECODER_HUNGRY;
        if (d->is_over)
            return DECODER_BAD;
        d->is_within = true;
        size_t had = in->len;
        uint8_t *to = buf_reserve(out, DECODER_ROOM, &room);
        enum decoder_step step = kind->run(d->state, in, to, room, &made);
        buf_commit(out, made);
        total += made;
        bool stands_still = step == STEP_MORE && !made && in->len == had;
        if (step == STEP_BAD || stands_still)
            return DECODER_BAD;
        if (step == STEP_HUNGRY)
            return DECODER_HUNGRY;
        if (step == STEP_END) {
            d->is_within = false;
            d->is_over = !kind->is_chain;
        }
    }
    return DECODER_FULL;
}

bool decoder_is_complete(const struct decoder *d)
{
    return !d->is_within;
}
