/* A slot is free when its word is 0, or from before the window; else it is the moment at which it
 * was taken. Taking is a swap of one slot, in no order: where every slot was seen to be taken, the
 * limit is reached.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_log.h"

#include <stddef.h>

/* What was seen of all slots. */
struct tally {
    uint32_t taken, free;
    uint64_t oldest, newest; /* moments that count; newest 0: none does */
};

struct log {
    struct rate_table *t;
    const struct rate_limit *l;
    uint64_t key, mono_ms;
    unsigned *evicted; /* NULL: no cell is made */
};

static uint64_t key_of(const struct log *g, uint32_t block)
{
    uint64_t mixed = (g->key + block) * UINT64_C(0x9e3779b97f4a7c15);
    return block ? mixed ^ mixed >> 32 : g->key;
}

static uint32_t blocks_of(const struct log *g)
{
    return (g->l->max + RATE_CELL_WORDS - 1) / RATE_CELL_WORDS;
}

static uint32_t slots_of(const struct log *g, uint32_t block)
{
    uint32_t left = g->l->max - block * RATE_CELL_WORDS;
    return left < RATE_CELL_WORDS ? left : RATE_CELL_WORDS;
}

static struct rate_place find(const struct log *g, uint32_t block, bool make)
{
    struct rate_place p =
        rate_table_find(g->t, key_of(g, block), g->mono_ms, g->l->window_ms, make);
    if (g->evicted)
        *g->evicted += p.has_evicted;
    return p;
}

static bool is_free(const struct log *g, uint64_t word)
{
    return !word || word - 1 + g->l->window_ms <= g->mono_ms;
}

static void note(struct tally *y, uint64_t word)
{
    uint64_t at = word - 1;
    if (!y->newest || at < y->oldest)
        y->oldest = at;
    if (word > y->newest)
        y->newest = word;
}

/* Takes a slot if it is free and still wanted. */
static void visit(const struct log *g, _Atomic uint64_t *slot, uint32_t wanted, struct tally *y)
{
    uint64_t word = atomic_load(slot), mine = g->mono_ms + 1;
    while (is_free(g, word)) {
        if (y->taken >= wanted) {
            y->free++;
            return;
        }
        if (atomic_compare_exchange_weak(slot, &word, mine)) {
            y->taken++;
            word = mine;
            break;
        }
    }
    note(y, word);
}

/* A block that nobody has used is all free. */
static void visit_block(const struct log *g, uint32_t block, uint32_t wanted, struct tally *y)
{
    struct tally before = *y;
    struct rate_place p;
    do {
        p = find(g, block, y->taken < wanted);
        *y = before;
        for (uint32_t i = 0; p.cell && i < slots_of(g, block); i++)
            visit(g, &p.cell->words[i], wanted, y);
    } while (p.cell && y->taken > before.taken && !rate_table_holds(g->t, &p));
    if (!p.cell)
        y->free += slots_of(g, block);
    else
        rate_table_mark(g->t, &p, y->free > before.free ? 128 : 255);
}

static struct tally visit_all(const struct log *g, uint32_t wanted)
{
    struct tally y = {0};
    for (uint32_t i = 0; i < blocks_of(g); i++)
        visit_block(g, i, wanted, &y);
    return y;
}

static void undo(const struct log *g, uint32_t count, uint64_t word)
{
    for (uint32_t i = 0; count && i < blocks_of(g); i++) {
        struct rate_place p = find(g, i, false);
        for (uint32_t j = 0; p.cell && count && j < slots_of(g, i); j++) {
            uint64_t mine = word;
            count -= atomic_compare_exchange_strong(&p.cell->words[j], &mine, 0);
        }
    }
}

static void judge(const struct log *g, const struct tally *y, uint32_t room, uint32_t cost,
                  struct rate_verdict *v)
{
    *v = (struct rate_verdict){.is_allowed = (cost ? cost : 1) <= room, .remaining = room};
    if (y->newest)
        v->reset_ms = y->newest - 1 + g->l->window_ms - g->mono_ms;
    if (v->is_allowed)
        v->remaining -= cost;
    else if (cost > g->l->max)
        v->retry_ms = UINT64_MAX;
    else if (y->newest)
        v->retry_ms = y->oldest + g->l->window_ms - g->mono_ms;
    v->mark = g->mono_ms + 1;
}

void rate_log_take(struct rate_table *t, const struct rate_limit *l, uint64_t key,
                   uint64_t mono_ms, uint32_t cost, struct rate_verdict *v, unsigned *evicted)
{
    struct log g = {t, l, key, mono_ms, evicted};
    uint32_t wanted = cost <= l->max ? cost : 0;
    struct tally y = visit_all(&g, wanted);
    judge(&g, &y, y.taken + y.free, cost, v);
    if (y.taken < wanted)
        undo(&g, y.taken, v->mark);
}

void rate_log_look(struct rate_table *t, const struct rate_limit *l, uint64_t key,
                   uint64_t mono_ms, uint32_t cost, struct rate_verdict *v)
{
    struct log g = {t, l, key, mono_ms, NULL};
    struct tally y = visit_all(&g, 0);
    judge(&g, &y, y.free, cost, v);
}

void rate_log_charge(struct rate_table *t, const struct rate_limit *l, uint64_t key,
                     uint64_t mono_ms, uint32_t cost, unsigned *evicted)
{
    struct log g = {t, l, key, mono_ms, evicted};
    visit_all(&g, cost);
}

void rate_log_give_back(struct rate_table *t, const struct rate_limit *l, uint64_t key,
                        uint64_t mono_ms, uint32_t cost, const struct rate_verdict *v)
{
    struct log g = {t, l, key, mono_ms, NULL};
    undo(&g, cost, v->mark);
}
