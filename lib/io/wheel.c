/* A hierarchical timing wheel. A timer sits on the lowest level whose span covers its distance;
 * when the wheel reaches the span of a higher slot, that slot's timers are dealt out again below.
 * Empty stretches are skipped by the bitmaps, so an idle hour costs nothing. Owned by one loop,
 * used on its thread. Must not know libuv nor any clock.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/wheel.h"

/* What lies beyond the last level waits in its farthest slot and is dealt out again from there. */
#define SPAN_MAX ((UINT64_C(1) << (WHEEL_BITS * WHEEL_LEVELS)) - 1)

static unsigned shift_of(unsigned level)
{
    return WHEEL_BITS * level;
}

static uint64_t due_tick(const struct timer *t)
{
    return t->due_ms / WHEEL_TICK_MS + (t->due_ms % WHEEL_TICK_MS != 0);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    w->tick = now_ms / WHEEL_TICK_MS;
    w->count = 0;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        w->used[level] = 0;
        for (unsigned i = 0; i < WHEEL_SLOTS; i++)
            list_init(&w->slots[level][i]);
    }
}

static void place(struct wheel *w, struct timer *t, uint64_t tick)
{
    uint64_t distance = tick - w->tick;
    if (distance > SPAN_MAX) {
        distance = SPAN_MAX;
        tick = w->tick + SPAN_MAX;
    }
    unsigned level = 0;
    while (distance >> shift_of(level + 1))
        level++;
    unsigned slot = (tick >> shift_of(level)) % WHEEL_SLOTS;
    w->used[level] |= UINT64_C(1) << slot;
    list_link_last(&w->slots[level][slot], &t->node);
}

uint64_t wheel_link(struct wheel *w, struct timer *t, uint64_t now_ms)
{
    /* Nothing to fall due in between, so the wheel may jump and keep new timers on low levels. */
    if (w->count == 0 && now_ms / WHEEL_TICK_MS > w->tick)
        w->tick = now_ms / WHEEL_TICK_MS;
    uint64_t tick = due_tick(t), now = now_ms / WHEEL_TICK_MS;
    uint64_t past = now > w->tick ? now : w->tick;
    if (tick <= past)
        tick = past + 1;
    w->count++;
    place(w, t, tick);
    return tick > UINT64_MAX / WHEEL_TICK_MS ? UINT64_MAX : tick * WHEEL_TICK_MS;
}

void wheel_unlink(struct wheel *w, struct timer *t)
{
    if (!list_is_linked(&t->node))
        return;
    const struct list *neighbour = t->node.next;
    bool last = neighbour == t->node.prev;
    list_unlink(&t->node);
    w->count--;
    /* The only neighbour of a slot's last timer is the slot itself (or the list that wheel_advance
     * is working off). */
    const struct list *first = &w->slots[0][0];
    uintptr_t offset = (uintptr_t)neighbour - (uintptr_t)first;
    if (!last || offset >= sizeof(w->slots))
        return;
    size_t at = offset / sizeof(*first);
    w->used[at / WHEEL_SLOTS] &= ~(UINT64_C(1) << (at % WHEEL_SLOTS));
}

/* The first tick after the current one at which a slot of this level has to be looked at. */
static uint64_t next_of_level(const struct wheel *w, unsigned level)
{
    uint64_t used = w->used[level];
    if (used == 0)
        return WHEEL_NEVER;
    uint64_t at = (w->tick >> shift_of(level)) + 1;
    unsigned turn = at % WHEEL_SLOTS;
    if (turn)
        used = used >> turn | used << (WHEEL_SLOTS - turn);
    return (at + (unsigned)__builtin_ctzll(used)) << shift_of(level);
}

static uint64_t next_tick(const struct wheel *w)
{
    uint64_t next = WHEEL_NEVER;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t at = next_of_level(w, level);
        if (at < next)
            next = at;
    }
    return next;
}

uint64_t wheel_next_ms(const struct wheel *w)
{
    uint64_t tick = w->count ? next_tick(w) : WHEEL_NEVER;
    return tick == WHEEL_NEVER ? WHEEL_NEVER : tick * WHEEL_TICK_MS;
}

static void empty_slot(struct wheel *w, unsigned level, struct list *into)
{
    unsigned slot = (w->tick >> shift_of(level)) % WHEEL_SLOTS;
    w->used[level] &= ~(UINT64_C(1) << slot);
    list_splice_last(into, &w->slots[level][slot]);
}

static void deal_out(struct wheel *w, unsigned level)
{
    struct list moving;
    list_init(&moving);
    empty_slot(w, level, &moving);
    struct list *node;
    while ((node = list_take_first(&moving))) {
        struct timer *t = container_of(node, struct timer, node);
        uint64_t tick = due_tick(t);
        place(w, t, tick > w->tick ? tick : w->tick);
    }
}

static void process_tick(struct wheel *w)
{
    for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--) {
        uint64_t below = (UINT64_C(1) << shift_of(level)) - 1;
        if ((w->tick & below) == 0)
            deal_out(w, level);
    }
    struct list due;
    list_init(&due);
    empty_slot(w, 0, &due);
    struct list *node;
    while ((node = list_take_first(&due))) {
        w->count--;
        struct timer *t = container_of(node, struct timer, node);
        t->fire(t);
    }
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
    uint64_t now = now_ms / WHEEL_TICK_MS;
    while (w->count) {
        uint64_t next = next_tick(w);
        if (next > now)
            break;
        w->tick = next;
        process_tick(w);
    }
    if (now > w->tick)
        w->tick = now;
}
