/* Encoders that wait for their next body, a few for each thread and coding.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/encoder.h"

#include <pthread.h>

#include "lib/base/mem.h"
#include "lib/codec/compress/encoder_kind.h"

enum { KEPT_MAX = 8 };

const char *const content_coding_names[] = {
    [CODING_GZIP] = "gzip", [CODING_BROTLI] = "br", [CODING_ZSTD] = "zstd", NULL};

static const struct encoder_kind *const kinds[CODING_COUNT] = {
    [CODING_GZIP] = &encoder_gzip,
    [CODING_BROTLI] = &encoder_brotli,
    [CODING_ZSTD] = &encoder_zstd};

struct encoder {
    enum content_coding coding;
    void *state;
    struct encoder *next; /* while it waits */
};

/* Of one thread. */
struct shelf {
    struct encoder *waiting[CODING_COUNT];
    unsigned count[CODING_COUNT];
};

static pthread_key_t shelf_key;
static pthread_once_t shelf_once = PTHREAD_ONCE_INIT;

static void destroy(struct encoder *e)
{
    kinds[e->coding]->destroy(e->state);
    mem_free(e);
}

/* The thread ends. */
static void clear_shelf(void *of)
{
    struct shelf *s = of;
    for (int coding = 0; coding < CODING_COUNT; coding++)
        while (s->waiting[coding]) {
            struct encoder *e = s->waiting[coding];
            s->waiting[coding] = e->next;
            destroy(e);
        }
    mem_free(s);
}

static void make_key(void)
{
    pthread_key_create(&shelf_key, clear_shelf);
}

static struct shelf *shelf_of_thread(void)
{
    pthread_once(&shelf_once, make_key);
    struct shelf *s = pthread_getspecific(shelf_key);
    if (!s) {
        s = mem_zalloc(sizeof(*s));
        pthread_setspecific(shelf_key, s);
    }
    return s;
}

static struct encoder *create(enum content_coding coding, int level)
{
    void *state = kinds[coding]->create(level);
    if (!state)
        return NULL;
    struct encoder *e = mem_zalloc(sizeof(*e));
    e->coding = coding;
    e->state = state;
    return e;
}

struct encoder *encoder_take(enum content_coding coding, int level)
{
    struct shelf *s = shelf_of_thread();
    struct encoder *e = s->waiting[coding];
    if (!e)
        return create(coding, level);
    s->waiting[coding] = e->next;
    s->count[coding]--;
    if (kinds[coding]->reset(e->state, level))
        return e;
    destroy(e);
    return create(coding, level);
}

void encoder_give(struct encoder *e)
{
    if (!e)
        return;
    struct shelf *s = shelf_of_thread();
    if (!kinds[e->coding]->reset || s->count[e->coding] >= KEPT_MAX) {
        destroy(e);
        return;
    }
    e->next = s->waiting[e->coding];
    s->waiting[e->coding] = e;
    s->count[e->coding]++;
}

bool encoder_run(struct encoder *e, struct slice piece, enum encoder_flush flush, struct buf *out)
{
    return kinds[e->coding]->run(e->state, piece, flush, out);
}
