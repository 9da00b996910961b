/* What becomes of a request, in one sentence: the last line of an explanation.
 * Main thread. Must not know how it is shown.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain/explain_print.h"

struct tally {
    uint64_t weight, delivered; /* of all shares; of those with a ready endpoint that takes it */
    size_t ready, taken;        /* endpoints */
    const struct explain_share *nowhere;
    const struct explain_endpoint *denied; /* the first */
};

static void count_share(struct tally *t, const struct explain_share *s)
{
    size_t taken = 0;
    t->weight += s->weight;
    for (size_t i = 0; i < s->count; i++) {
        const struct explain_endpoint *end = &s->endpoints[i];
        if (!end->conf->ready)
            continue;
        t->ready++;
        taken += end->verdict.allowed;
        if (!end->verdict.allowed && !t->denied)
            t->denied = end;
    }
    t->taken += taken;
    if (taken || s->redirect)
        t->delivered += s->weight;
    else if (!t->nowhere)
        t->nowhere = s;
}

static struct slice say_nowhere(struct explain *e, const struct tally *t)
{
    const struct explain_share *s = t->nowhere;
    if (t->denied && t->denied->verdict.status)
        return t->denied->verdict.text;
    if (t->denied)
        return arena_printf(&e->arena, "%s: %.*s",
                            slice_starts_with(t->denied->verdict.text, SLICE("refused with 400"))
                                ? "400 Bad Request"
                                : "403 Forbidden",
                            SLICE_ARG(t->denied->verdict.text));
    if (s && !s->cluster && !s->count)
        return SLICE("500 Internal Server Error: the backend does not exist");
    return SLICE("503 Service Unavailable: no ready endpoints");
}

struct slice explain_outcome(struct explain *e)
{
    struct tally t = {0};
    for (size_t i = 0; i < e->share_count; i++)
        if (e->shares[i].weight)
            count_share(&t, &e->shares[i]);
    if (e->status)
        return arena_printf(&e->arena, "answered with %u: %.*s", e->status, SLICE_ARG(e->answer));
    if (!e->share_count)
        return e->answer;
    if (!t.delivered)
        return say_nowhere(e, &t);
    if (t.delivered < t.weight)
        return arena_printf(&e->arena, "%.4g %% gets through; the rest: %.*s",
                            100.0 * (double)t.delivered / (double)t.weight,
                            SLICE_ARG(say_nowhere(e, &t)));
    if (t.taken < t.ready)
        return arena_printf(&e->arena, "%zu of %zu ready endpoints take it; the rest: %.*s",
                            t.taken, t.ready, SLICE_ARG(t.denied->verdict.text));
    return arena_printf(&e->arena, "delivered to %s%zu ready endpoint%s",
                        t.ready > 1 ? "any of " : "", t.ready, t.ready > 1 ? "s" : "");
}
