/* The whole, written once: its length is known before. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/parts.h"

#include "lib/base/civil.h"

/* Pieces of text, to be joined. */
struct pieces {
    struct slice *items;
    size_t count, len;
};

static void put(struct pieces *p, struct slice piece)
{
    p->items[p->count++] = piece;
    p->len += piece.len;
}

static struct slice join(const struct pieces *p, struct arena *a)
{
    char *text = arena_alloc(a, p->len + 1);
    size_t at = 0;
    for (size_t i = 0; i < p->count; i++) {
        memcpy(text + at, p->items[i].ptr, p->items[i].len);
        at += p->items[i].len;
    }
    return slice_of(text, at);
}

static struct slice now_text(struct filter_exchange *x)
{
    struct civil c;
    int64_t now_ms = x->host->unix_ms(x);
    civil_from_ms(now_ms, &c);
    return arena_printf(x->arena, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", c.year, c.month, c.day,
                        c.hour, c.minute, c.second, (unsigned)(now_ms % 1000));
}

static void put_error(struct pieces *to, const struct part *p, const struct part_run *run,
                      struct arena *a)
{
    put(to, SLICE("{\"field\":"));
    put(to, slice_sub(p->member, 0, p->member.len - 1));
    put(to, arena_printf(a, ",\"reason\":\"%s\"", part_outcome_name(run->outcome)));
    if (run->status)
        put(to, arena_printf(a, ",\"status\":%u", run->status));
    put(to, SLICE("}"));
}

static void put_metadata(struct pieces *to, const struct parts *c, const struct part_run *runs,
                         struct filter_exchange *x, bool is_partial)
{
    bool is_first = true;
    put(to, SLICE(","));
    put(to, c->metadata);
    put(to, arena_printf(x->arena, "{\"partial\":%s,\"timestamp\":\"%.*s\"",
                         is_partial ? "true" : "false", SLICE_ARG(now_text(x))));
    for (uint32_t i = 0; i < c->count; i++) {
        if (runs[i].outcome == PART_CAME)
            continue;
        put(to, is_first ? SLICE(",\"errors\":[") : SLICE(","));
        put_error(to, &c->items[i], &runs[i], x->arena);
        is_first = false;
    }
    put(to, is_first ? SLICE("}") : SLICE("]}"));
}

struct slice parts_compose(const struct parts *c, const struct part_run *runs,
                           struct filter_exchange *x, uint32_t *failed)
{
    enum { OF_PART = 9, OF_WHOLE = 6 };
    struct pieces all = {
        .items = arena_alloc(x->arena, (c->count * OF_PART + OF_WHOLE) * sizeof(struct slice))};
    *failed = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        bool came = runs[i].outcome == PART_CAME;
        *failed += !came;
        put(&all, i ? SLICE(",") : SLICE("{"));
        put(&all, c->items[i].member);
        put(&all, came ? runs[i].json : c->items[i].fallback);
    }
    if (*failed || c->always_metadata)
        put_metadata(&all, c, runs, x, *failed > 0);
    put(&all, SLICE("}"));
    return join(&all, x->arena);
}
