/* nghttp2's memory comes from our pools. One thing is special: each session takes a 16 KiB buffer
 * when it is made, in which it writes one frame at a time. h2_drain copies every frame out before
 * it returns, so all sessions of a thread can write into the same buffer, and an idle connection
 * is 16 KiB smaller. Thread-local, counted; must not know HTTP.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2_priv.h"

#include <string.h>

#include "lib/base/mem.h"

enum { FRAME_BUFFER_MIN = 16384, FRAME_BUFFER_SIZE = 16384 + 64 };

static _Thread_local struct {
    void *buffer;
    unsigned users;
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

static void *allocate(size_t size, void *user)
{
    struct h2 *h = user;
    bool creating = !h->session;
    if (creating && !h->frame_buffer && size >= FRAME_BUFFER_MIN && size <= FRAME_BUFFER_SIZE)
        return take_shared(h);
    return mem_alloc(size);
}

static void *allocate_zeroed(size_t count, size_t size, void *user)
{
    (void)user;
    if (size && count > SIZE_MAX / size)
        return NULL;
    return mem_zalloc(count * size);
}

static void *reallocate(void *block, size_t size, void *user)
{
    struct h2 *h = user;
    if (!block)
        return allocate(size, user);
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
    else
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
