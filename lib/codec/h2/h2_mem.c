/* nghttp2's memory comes from our pools, but for what a session takes when it is made:
 * - a 16 KiB buffer in which it writes one frame at a time. h2_drain copies every frame out before
 *   it returns, so all sessions of a thread can write into the same buffer;
 * - its table of streams, and the rings of its HPACK, which see empty header blocks only. They lie
 *   in a span of pages, which is at rest while there are no streams.
 * So an idle connection is 22 KiB smaller. Thread-local, counted; must not know HTTP.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_priv.h"

#include <string.h>

#include "lib/base/mem.h"

enum { FRAME_BUFFER_MIN = 16384, FRAME_BUFFER_SIZE = 16384 + 64, RING_SIZE = 1024 };

static _Thread_local struct {
    void *buffer;
    unsigned users;
    struct list awake; /* sessions whose table was used since it was last at rest */
    uint32_t round;    /* of resting them; 0: not set up */
    bool is_unfinished;
} shared;

static void *take_shared(struct h2 *h)
{
    if (shared.users++ == 0)
        shared.buffer = mem_alloc(FRAME_BUFFER_SIZE);
    h->frame_buffer = shared.buffer;
    return shared.buffer;
}

static void give_shared(struct h2 *h)
{
    h->frame_buffer = NULL;
    if (--shared.users == 0) {
        mem_free(shared.buffer);
        shared.buffer = NULL;
    }
}

/* ---- the span ---- */

/* Is it in a session's first page, or behind? */
static bool is_in_span(const struct h2 *h, const void *block)
{
    return h->span && (const char *)block >= (const char *)h->span &&
           (const char *)block < (const char *)h->span + MEM_SPAN;
}

static void *take_table(struct h2 *h)
{
    if (!h->span)
        h->span = mem_span_take();
    h->span_has_table = true;
    return h->span;
}

static void *take_ring(struct h2 *h)
{
    if (!h->span)
        h->span = mem_span_take();
    return (char *)h->span + MEM_PAGE + h->span_rings++ * RING_SIZE;
}

static void set_up(void)
{
    list_init(&shared.awake);
    shared.round = 1;
}

void h2_mem_wake(struct h2 *h)
{
    if (!shared.round)
        set_up();
    h->used_round = shared.round;
    if (!list_is_linked(&h->awake))
        list_link_last(&shared.awake, &h->awake);
}

void h2_mem_dispose(struct h2 *h)
{
    list_unlink(&h->awake);
    mem_span_give(h->span);
    h->span = NULL;
}

/* Used in this round or the one before: it may have been just now. */
static bool was_just_used(const struct h2 *h)
{
    return h->open > 0 || shared.round - h->used_round < 2;
}

bool h2_mem_rest_idle(unsigned max)
{
    if (!shared.round)
        set_up();
    if (!shared.is_unfinished)
        shared.round++;
    shared.is_unfinished = false;
    LIST_FOREACH_SAFE(node, next, &shared.awake)
    {
        struct h2 *h = container_of(node, struct h2, awake);
        if (was_just_used(h))
            continue;
        if (max-- == 0) {
            shared.is_unfinished = true;
            break;
        }
        if (h->span_has_table)
            (void)mem_span_rest(h->span);
        list_unlink(&h->awake);
    }
    return shared.is_unfinished;
}

/* ---- what nghttp2 calls ---- */

static void *allocate(size_t size, void *user)
{
    struct h2 *h = user;
    bool creating = !h->session;
    if (creating && !h->frame_buffer && size >= FRAME_BUFFER_MIN && size <= FRAME_BUFFER_SIZE)
        return take_shared(h);
    if (creating && size == RING_SIZE && h->span_rings < MEM_PAGE / RING_SIZE)
        return take_ring(h);
    return mem_alloc(size);
}

static void *allocate_zeroed(size_t count, size_t size, void *user)
{
    struct h2 *h = user;
    if (size && count > SIZE_MAX / size)
        return NULL;
    if (!h->session && count * size == MEM_PAGE && !h->span_has_table)
        return take_table(h);
    return mem_zalloc(count * size);
}

static void *leave_span(struct h2 *h, void *block, size_t size)
{
    size_t room = (size_t)((char *)h->span + MEM_SPAN - (char *)block);
    return memcpy(mem_alloc(size), block, size < room ? size : room);
}

static void *reallocate(void *block, size_t size, void *user)
{
    struct h2 *h = user;
    if (!block)
        return allocate(size, user);
    if (is_in_span(h, block))
        return leave_span(h, block, size);
    if (block != h->frame_buffer)
        return mem_realloc(block, size);
    void *own = mem_alloc(size);
    memcpy(own, block, size < FRAME_BUFFER_SIZE ? size : FRAME_BUFFER_SIZE);
    give_shared(h);
    return own;
}

static void release(void *block, void *user)
{
    struct h2 *h = user;
    if (block && block == h->frame_buffer)
        give_shared(h);
    else if (!is_in_span(h, block))
        mem_free(block);
}

nghttp2_mem h2_mem_of(struct h2 *h)
{
    return (nghttp2_mem){.mem_user_data = h,
                         .malloc = allocate,
                         .free = release,
                         .calloc = allocate_zeroed,
                         .realloc = reallocate};
}
