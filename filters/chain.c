/* The road of a request through its chains. A frame remembers how far its chain has come, so that
 * one that waits goes on at the same filter with the same ctx.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/chain.h"

/* ---- waiting ---- */

static bool may_call(struct filter_road *r, enum filter_hook hook)
{
    uint8_t bit = (uint8_t)(1u << hook);
    if ((r->waiting & bit) && !(r->woken & bit))
        return false; /* something else woke the exchange */
    r->waiting &= (uint8_t)~bit;
    r->woken &= (uint8_t)~bit;
    return true;
}

static enum filter_verdict note(struct filter_road *r, enum filter_hook hook,
                                enum filter_verdict verdict)
{
    if (verdict == FILTER_WAIT)
        r->waiting |= (uint8_t)(1u << hook);
    return verdict;
}

void filter_road_wake(struct filter_road *r)
{
    r->woken = 0xff;
}

/* ---- heads ---- */

static void *ctx_of(const struct filter_frame *f, uint32_t index)
{
    return f->ctx ? f->ctx + f->chain->entries[index].ctx_offset : NULL;
}

static struct filter_frame *frame_of(struct filter_road *r, struct filter_exchange *x,
                                     const struct filter_chain *chain)
{
    for (unsigned i = 0; i < r->frame_count; i++)
        if (r->frames[i].chain == chain)
            return &r->frames[i];
    struct filter_frame *f = &r->frames[r->frame_count++];
    *f = (struct filter_frame){.chain = chain};
    f->ctx = chain->ctx_size ? arena_zalloc(x->arena, chain->ctx_size) : NULL;
    return f;
}

enum filter_verdict filter_road_request(struct filter_road *r, struct filter_exchange *x,
                                        const struct filter_chain *chain)
{
    if (!chain)
        return FILTER_NEXT;
    struct filter_frame *f = frame_of(r, x, chain);
    while (f->passed < chain->count) {
        const struct filter_entry *e = &chain->entries[f->passed];
        enum filter_verdict verdict = FILTER_NEXT;
        if (!may_call(r, FILTER_ON_REQUEST))
            return FILTER_WAIT;
        f->begun = f->unanswered = f->passed + 1;
        if (e->filter->on_request)
            verdict = e->filter->on_request(x, e->conf, ctx_of(f, f->passed));
        if (verdict != FILTER_NEXT)
            return note(r, FILTER_ON_REQUEST, verdict);
        f->passed++;
    }
    return FILTER_NEXT;
}

enum filter_verdict filter_road_response(struct filter_road *r, struct filter_exchange *x)
{
    for (unsigned i = r->frame_count; i-- > 0;) {
        struct filter_frame *f = &r->frames[i];
        while (f->unanswered > 0) {
            uint32_t at = f->unanswered - 1;
            const struct filter_entry *e = &f->chain->entries[at];
            enum filter_verdict verdict = FILTER_NEXT;
            if (!may_call(r, FILTER_ON_RESPONSE))
                return FILTER_WAIT;
            if (e->filter->on_response)
                verdict = e->filter->on_response(x, e->conf, ctx_of(f, at));
            if (verdict == FILTER_WAIT)
                return note(r, FILTER_ON_RESPONSE, verdict);
            f->unanswered--;
            if (verdict != FILTER_NEXT)
                return verdict;
        }
    }
    return FILTER_NEXT;
}

void filter_road_unreached(struct filter_road *r, struct filter_exchange *x,
                           const struct filter_chain *chain)
{
    for (unsigned i = 0; chain && i < r->frame_count; i++)
        if (r->frames[i].chain == chain)
            return;
    for (uint32_t i = chain ? chain->count : 0; i-- > 0;) {
        const struct filter *f = chain->entries[i].filter;
        if (f->sees_every_answer)
            f->on_response(x, chain->entries[i].conf,
                           f->ctx_size ? arena_zalloc(x->arena, f->ctx_size) : NULL);
    }
}

static void drop_body(struct filter_body *b)
{
    for (uint32_t i = 0; i < b->count; i++)
        buf_dispose(&b->stages[i].held);
    b->count = 0;
}

void filter_road_end(struct filter_road *r, struct filter_exchange *x)
{
    drop_body(&r->request_body);
    drop_body(&r->response_body);
    while (r->frame_count > 0) {
        struct filter_frame *f = &r->frames[--r->frame_count];
        while (f->begun > 0) {
            const struct filter_entry *e = &f->chain->entries[--f->begun];
            if (e->filter->on_end)
                e->filter->on_end(x, e->conf, ctx_of(f, f->begun));
        }
    }
}

/* ---- bodies ---- */

bool filter_road_sees_request_body(const struct filter_road *r)
{
    for (unsigned i = 0; i < r->frame_count; i++)
        if (r->frames[i].chain->has_request_body)
            return true;
    return false;
}

bool filter_road_sees_response_body(const struct filter_road *r)
{
    for (unsigned i = 0; i < r->frame_count; i++)
        if (r->frames[i].chain->has_response_body)
            return true;
    return false;
}

static bool looks(const struct filter_entry *e, enum filter_hook hook)
{
    return hook == FILTER_ON_REQUEST_BODY ? e->filter->on_request_body != NULL
                                          : e->filter->on_response_body != NULL;
}

/* Filters that saw the head, in the order in which the body meets them. */
static void make_stages(struct filter_road *r, struct filter_exchange *x, struct filter_body *b,
                        enum filter_hook hook)
{
    uint32_t most = 0;
    for (unsigned i = 0; i < r->frame_count; i++)
        most += r->frames[i].begun;
    b->stages = arena_zalloc(x->arena, most * sizeof(*b->stages));
    for (unsigned i = 0; i < r->frame_count; i++) {
        const struct filter_frame *f = &r->frames[i];
        for (uint32_t j = 0; j < f->begun; j++)
            if (looks(&f->chain->entries[j], hook))
                b->stages[b->count++] =
                    (struct filter_stage){.entry = &f->chain->entries[j], .ctx = ctx_of(f, j)};
    }
    for (uint32_t i = 0; hook == FILTER_ON_RESPONSE_BODY && i < b->count / 2; i++) {
        struct filter_stage last = b->stages[b->count - 1 - i];
        b->stages[b->count - 1 - i] = b->stages[i];
        b->stages[i] = last;
    }
}

static enum filter_verdict call_stage(const struct filter_stage *s, struct filter_exchange *x,
                                      enum filter_hook hook, struct buf *held)
{
    const struct filter *f = s->entry->filter;
    return hook == FILTER_ON_REQUEST_BODY
               ? f->on_request_body(x, s->entry->conf, s->ctx, held, s->is_given_end)
               : f->on_response_body(x, s->entry->conf, s->ctx, held, s->is_given_end);
}

/* What has come to one stage, `in`, is shown to its filter when there is anything new, or when it
 * waited and was woken. What it lets go is in `in` then. */
static enum filter_verdict run_stage(struct filter_stage *s, struct filter_exchange *x,
                                     enum filter_hook hook, struct buf *in, bool end, bool woken)
{
    bool is_news = !buf_is_empty(in) || (end && !s->is_given_end);
    if (s->is_over || !(is_news || (s->waits && woken)))
        return FILTER_NEXT;
    buf_move_all(&s->held, in);
    s->is_given_end |= end;
    enum filter_verdict verdict = call_stage(s, x, hook, &s->held);
    s->waits = verdict == FILTER_WAIT;
    if (verdict == FILTER_NEXT) {
        buf_move_all(in, &s->held);
        s->is_over = s->is_given_end;
    }
    return verdict;
}

static enum filter_verdict run_body(struct filter_road *r, struct filter_exchange *x,
                                    enum filter_hook hook, struct filter_body *b, struct buf *in,
                                    bool end, struct buf *out)
{
    uint8_t bit = (uint8_t)(1u << hook);
    bool woken = r->woken & bit;
    if (!b->stages)
        make_stages(r, x, b, hook);
    r->woken &= (uint8_t)~bit;
    b->held = 0;
    b->waits = false;
    for (uint32_t i = 0; i < b->count; i++) {
        struct filter_stage *s = &b->stages[i];
        enum filter_verdict verdict = run_stage(s, x, hook, in, end, woken);
        if (verdict == FILTER_REPLY || verdict == FILTER_RESET)
            return verdict;
        end = s->is_over;
        b->held += s->held.len;
        b->waits |= s->waits;
    }
    buf_move_all(out, in);
    b->is_over = end;
    return FILTER_NEXT;
}

enum filter_verdict filter_road_request_body(struct filter_road *r, struct filter_exchange *x,
                                             struct buf *in, bool end, struct buf *out)
{
    return run_body(r, x, FILTER_ON_REQUEST_BODY, &r->request_body, in, end, out);
}

enum filter_verdict filter_road_response_body(struct filter_road *r, struct filter_exchange *x,
                                              struct buf *in, bool end, struct buf *out)
{
    return run_body(r, x, FILTER_ON_RESPONSE_BODY, &r->response_body, in, end, out);
}
