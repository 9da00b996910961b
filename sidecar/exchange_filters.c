/* Running filter chains over an exchange: requests forward, responses backward, ends backward;
 * only filters that were entered. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange_priv.h"

#include "lib/base/log.h"

/* Where in this chain we are is told by the last entry: a chain that waited is entered again at the
 * same place. */
static unsigned position_in(const struct exchange *ex, const struct filter_chain *chain)
{
    if (ex->entered_count == 0)
        return 0;
    const struct filter_entry *last = ex->entered[ex->entered_count - 1].entry;
    if (last < chain->entries || last >= chain->entries + chain->count)
        return 0;
    return (unsigned)(last - chain->entries) + 1;
}

enum verdict exchange_enter_chain(struct exchange *ex, const struct filter_chain *chain)
{
    if (!chain)
        return VERDICT_NEXT;
    for (unsigned i = position_in(ex, chain); i < chain->count; i++) {
        const struct filter_entry *entry = &chain->entries[i];
        if (ex->entered_count == EXCHANGE_FILTERS_MAX) {
            exchange_reply_fail(ex, FAIL_INTERNAL, SLICE("too many filters on this route"));
            return VERDICT_REPLY;
        }
        void *ctx = entry->ops->ctx_size ? arena_zalloc(&ex->arena, entry->ops->ctx_size) : NULL;
        enum verdict verdict =
            entry->ops->on_request ? entry->ops->on_request(ex, entry->conf, ctx) : VERDICT_NEXT;
        if (verdict == VERDICT_WAIT)
            return verdict;
        ex->entered[ex->entered_count++] = (struct entered_filter){entry, ctx};
        ex->answered_count = ex->entered_count;
        if (verdict != VERDICT_NEXT)
            return verdict;
    }
    return VERDICT_NEXT;
}

enum verdict exchange_answer_chain(struct exchange *ex)
{
    while (ex->answered_count > 0) {
        const struct entered_filter *f = &ex->entered[ex->answered_count - 1];
        enum verdict verdict = f->entry->ops->on_response
                                   ? f->entry->ops->on_response(ex, f->entry->conf, f->ctx)
                                   : VERDICT_NEXT;
        if (verdict == VERDICT_WAIT)
            return verdict;
        ex->answered_count--;
        if (verdict != VERDICT_NEXT)
            return verdict;
    }
    return VERDICT_NEXT;
}

static bool was_entered(const struct exchange *ex, const struct filter_chain *chain)
{
    for (unsigned i = 0; i < ex->entered_count; i++)
        if (ex->entered[i].entry >= chain->entries &&
            ex->entered[i].entry < chain->entries + chain->count)
            return true;
    return false;
}

void exchange_answer_unreached(struct exchange *ex)
{
    const struct route_conf *route = exchange_find_route(ex);
    const struct filter_chain *chain = route ? route->chain : NULL;
    if (!chain || was_entered(ex, chain))
        return;
    for (unsigned i = chain->count; i-- > 0;) {
        const struct filter_ops *ops = chain->entries[i].ops;
        if (!ops->sees_every_answer)
            continue;
        void *ctx = ops->ctx_size ? arena_zalloc(&ex->arena, ops->ctx_size) : NULL;
        ops->on_response(ex, chain->entries[i].conf, ctx);
    }
}

void exchange_end_chain(struct exchange *ex)
{
    while (ex->entered_count > 0) {
        const struct entered_filter *f = &ex->entered[--ex->entered_count];
        if (f->entry->ops->on_end)
            f->entry->ops->on_end(ex, f->entry->conf, f->ctx);
    }
}
