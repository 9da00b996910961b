/* The allocator of real builds: per-thread free lists by size class over libc. A block carries its
 * class in a header, so any thread may free it, into its own lists. Each list holds a bounded
 * number of bytes; what is over goes back to libc, so memory falls again after a burst. The lists
 * go with their thread. The only lock is taken when a thread begins or ends and when the counters
 * are read.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/list.h"

enum {
    LARGE = 0xffff, /* header class of a block that is too large for any list */
    STEP = 16,
    SMALL_MAX = 1024,
    MARK_LIVE = 0x4c495645,
    MARK_FREE = 0x46524545,
    MARK_AGED = 0x41474544, /* free, and it was so at the last mem_age */
    COUNT_MAX = 4096,       /* blocks of a list */
};

struct header {
    uint32_t class;
    uint32_t mark; /* tells a double free and a stray pointer at once */
    size_t capacity;
};

_Static_assert(sizeof(struct header) == 16, "blocks must keep libc's alignment");

/* A block in a list: the way on lies where the payload was. The lists hold headers, not payloads,
 * so that leak checkers find the blocks reachable. */
struct free_block {
    struct header header;
    struct free_block *next;
};

/* Payload bytes. 704, 896, 1408 and 2944 are for what each connection has: of TCP, of TLS keys, of
 * TLS and of HTTP/2. The 64 over a power of two are for the headers of what sits in 16, 32 and
 * 64 KiB buffers (struct chunk). */
static const uint32_t class_size[] = {
    16,  32,  48,   64,   80,   96,   128,  160,  192,  256,   320,   384,   512,   640,   704,
    768, 896, 1024, 1408, 2048, 2944, 4096, 6144, 8192, 12288, 16448, 24576, 32832, 65600,
};

enum { CLASS_COUNT = sizeof(class_size) / sizeof(class_size[0]) };

/* Class of (size + 15) / 16, for sizes up to SMALL_MAX. */
static const uint8_t small_class[SMALL_MAX / STEP + 1] = {
    0,  0,  1,  2,  3,  4,  5,  6,  6,  7,  7,  8,  8,  9,  9,  9,  9,  10, 10, 10, 10, 11,
    11, 11, 11, 12, 12, 12, 12, 12, 12, 12, 12, 13, 13, 13, 13, 13, 13, 13, 13, 14, 14, 14,
    14, 15, 15, 15, 15, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 17, 17, 17,
};

enum cache_state { CACHE_NEW, CACHE_LIVE, CACHE_DEAD };

struct cache {
    struct free_block *lists[CLASS_COUNT];
    uint32_t room[CLASS_COUNT]; /* how many more blocks the list may take; 0 unless it is live */
    struct free_block *aged;    /* set aside by mem_age, of all classes */
    enum cache_state state;
    _Atomic uint64_t fresh; /* written by this thread only */
    _Atomic uint64_t given; /* bytes that went back to libc; the same */
    struct list link;
};

static _Thread_local struct cache cache;

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list registry = {&registry, &registry};
static uint64_t retired_fresh, retired_given;
static uint64_t returned_given; /* as of the last mem_return */
static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;

static _Noreturn void fail(const char *what, size_t size)
{
    fprintf(stderr, "memory: %s (%zu bytes)\n", what, size);
    abort();
}

static uint32_t class_limit(size_t class)
{
    size_t bytes = class_size[class] <= SMALL_MAX ? 256 * 1024u
                   : class_size[class] <= 8192    ? 512 * 1024u
                                                  : 2048 * 1024u;
    size_t count = bytes / class_size[class];
    return (uint32_t)(count < COUNT_MAX ? count : COUNT_MAX);
}

static struct header *header_of(void *block)
{
    return (struct header *)((char *)block - sizeof(struct header));
}

static void add_to(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static void give_to_libc(struct cache *c, struct header *h)
{
    add_to(&c->given, h->capacity);
    free(h);
}

static bool drop_aged(struct cache *c, size_t max)
{
    for (; c->aged && max > 0; max--) {
        struct free_block *block = c->aged;
        c->aged = block->next;
        give_to_libc(c, &block->header);
    }
    return c->aged;
}

static void drop_lists(struct cache *c)
{
    (void)drop_aged(c, SIZE_MAX);
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        while (c->lists[i]) {
            struct free_block *block = c->lists[i];
            c->lists[i] = block->next;
            give_to_libc(c, &block->header);
        }
        c->room[i] = class_limit(i);
    }
}

static void thread_end(void *arg)
{
    struct cache *c = arg;
    drop_lists(c);
    memset(c->room, 0, sizeof(c->room));
    c->state = CACHE_DEAD;
    pthread_mutex_lock(&registry_lock);
    list_unlink(&c->link);
    retired_fresh += atomic_load_explicit(&c->fresh, memory_order_relaxed);
    retired_given += atomic_load_explicit(&c->given, memory_order_relaxed);
    atomic_store_explicit(&c->fresh, 0, memory_order_relaxed);
    atomic_store_explicit(&c->given, 0, memory_order_relaxed);
    pthread_mutex_unlock(&registry_lock);
}

static void make_exit_key(void)
{
    if (pthread_key_create(&exit_key, thread_end))
        fail("no thread key", 0);
}

static void thread_begin(struct cache *c)
{
    pthread_once(&exit_key_once, make_exit_key);
    for (size_t i = 0; i < CLASS_COUNT; i++)
        c->room[i] = class_limit(i);
    if (pthread_setspecific(exit_key, c))
        fail("no thread key", 0);
    pthread_mutex_lock(&registry_lock);
    list_link_last(&registry, &c->link);
    pthread_mutex_unlock(&registry_lock);
    c->state = CACHE_LIVE;
}

static void count_fresh(struct cache *c)
{
    if (c->state == CACHE_DEAD) {
        /* Other thread-exit handlers may still run after ours. */
        pthread_mutex_lock(&registry_lock);
        retired_fresh++;
        pthread_mutex_unlock(&registry_lock);
        return;
    }
    add_to(&c->fresh, 1);
}

static __attribute__((noinline)) uint32_t big_class_of(size_t size)
{
    for (uint32_t i = small_class[SMALL_MAX / STEP] + 1; i < CLASS_COUNT; i++) {
        if (size <= class_size[i])
            return i;
    }
    return LARGE;
}

static inline uint32_t class_of(size_t size)
{
    return size <= SMALL_MAX ? small_class[(size + STEP - 1) / STEP] : big_class_of(size);
}

/* Out of line, as all that a list cannot do by itself: what is left of mem_alloc and mem_free saves
 * no registers. */
static __attribute__((noinline, cold)) void *fresh_block(uint32_t class, size_t size)
{
    if (cache.state == CACHE_NEW)
        thread_begin(&cache);
    size_t capacity = class == LARGE ? size : class_size[class];
    if (capacity > SIZE_MAX - sizeof(struct header))
        fail("impossible size", size);
    struct header *h = malloc(sizeof(*h) + capacity);
    if (!h)
        fail("out of memory", size);
    count_fresh(&cache);
    *h = (struct header){class, MARK_LIVE, capacity};
    return h + 1;
}

void *mem_alloc(size_t size)
{
    uint32_t class = class_of(size);
    if (class == LARGE || !cache.lists[class])
        return fresh_block(class, size);
    struct free_block *block = cache.lists[class];
    cache.lists[class] = block->next;
    cache.room[class]++;
    block->header.mark = MARK_LIVE;
    return &block->header + 1;
}

static __attribute__((noinline, cold)) _Noreturn void fail_not_live(const struct header *h)
{
    fail(h->mark == MARK_FREE || h->mark == MARK_AGED ? "block freed twice" : "not a block of ours",
         h->capacity);
}

static void check_live(const struct header *h)
{
    if (h->mark != MARK_LIVE)
        fail_not_live(h);
}

static bool put_in_list(struct cache *c, struct header *h)
{
    if (h->class == LARGE || c->room[h->class] == 0)
        return false;
    struct free_block *entry = (struct free_block *)h;
    entry->next = c->lists[h->class];
    c->lists[h->class] = entry;
    c->room[h->class]--;
    return true;
}

/* No list takes it, or the thread has none yet, or none any more. */
static __attribute__((noinline, cold)) void free_without_list(struct header *h)
{
    bool is_first = cache.state == CACHE_NEW;
    if (is_first)
        thread_begin(&cache);
    if (!is_first || !put_in_list(&cache, h))
        give_to_libc(&cache, h);
}

void mem_free(void *block)
{
    if (!block)
        return;
    struct header *h = header_of(block);
    check_live(h);
    h->mark = MARK_FREE;
    if (!put_in_list(&cache, h))
        free_without_list(h);
}

static void *grow_large(struct header *h, size_t size)
{
    if (size > SIZE_MAX - sizeof(*h))
        fail("impossible size", size);
    h = realloc(h, sizeof(*h) + size);
    if (!h)
        fail("out of memory", size);
    if (cache.state == CACHE_NEW)
        thread_begin(&cache);
    count_fresh(&cache);
    h->capacity = size;
    return h + 1;
}

void *mem_realloc(void *block, size_t size)
{
    if (!block)
        return mem_alloc(size);
    struct header *h = header_of(block);
    check_live(h);
    if (size <= h->capacity)
        return block;
    if (h->class == LARGE)
        return grow_large(h, size);
    void *bigger = mem_alloc(size);
    memcpy(bigger, block, h->capacity);
    mem_free(block);
    return bigger;
}

/* Blocks come and go at the front: behind one that nobody has taken, nobody has taken any. */
static void age_list(struct cache *c, size_t class)
{
    struct free_block **at = &c->lists[class];
    for (; *at && (*at)->header.mark != MARK_AGED; at = &(*at)->next)
        (*at)->header.mark = MARK_AGED;
    struct free_block *tail = *at;
    *at = NULL;
    while (tail) {
        struct free_block *block = tail;
        tail = block->next;
        block->next = c->aged;
        c->aged = block;
        c->room[class]++;
    }
}

void mem_age(void)
{
    for (size_t i = 0; cache.state == CACHE_LIVE && i < CLASS_COUNT; i++)
        age_list(&cache, i);
}

bool mem_trim_aged(unsigned max)
{
    return drop_aged(&cache, max);
}

void mem_trim(void)
{
    if (cache.state == CACHE_LIVE)
        drop_lists(&cache);
}

static uint64_t sum_counters(uint64_t retired, size_t offset)
{
    uint64_t sum = retired;
    LIST_FOREACH(node, &registry)
    {
        const char *c = (const char *)container_of(node, struct cache, link);
        sum += atomic_load_explicit((const _Atomic uint64_t *)(const void *)(c + offset),
                                    memory_order_relaxed);
    }
    return sum;
}

void mem_return(void)
{
    enum { WORTH_IT = 1 << 20 };
    pthread_mutex_lock(&registry_lock);
    uint64_t given = sum_counters(retired_given, offsetof(struct cache, given));
    bool is_much = given - returned_given >= WORTH_IT;
    if (is_much)
        returned_given = given;
    pthread_mutex_unlock(&registry_lock);
    if (!is_much)
        return;
    malloc_trim(0);
    mem_span_trim();
}

/* libc raises both thresholds with each large block that is freed, and then keeps what it has. */
void mem_set_up(void)
{
    enum { KEPT = 256 * 1024 };
    (void)mallopt(M_MMAP_THRESHOLD, KEPT);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
}

uint64_t mem_fresh_count(void)
{
    pthread_mutex_lock(&registry_lock);
    uint64_t sum = sum_counters(retired_fresh, offsetof(struct cache, fresh));
    pthread_mutex_unlock(&registry_lock);
    return sum;
}
