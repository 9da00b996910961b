/* The road of a request through its chains. A frame remembers how far its chain has come, so that
 * one that waits goes on at the same filter with the same ctx.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/chain.h"

#include "filters/prepare.h"

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

/* ---- frames ---- */

static void *ctx_of(const struct filter_frame *f, uint32_t index)
{
    bool is_own = f->chain != f->base && index >= f->own_from;
    char *ctx = is_own ? f->own_ctx : f->ctx;
    const struct filter_chain *of = is_own ? f->chain : f->base;
    return ctx ? ctx + of->entries[index].ctx_offset : NULL;
}

static struct filter_frame *frame_of(struct filter_road *r, struct filter_exchange *x,
                                     const struct filter_chain *chain)
{
    for (unsigned i = 0; i < r->frame_count; i++)
        if (r->frames[i].base == chain)
            return &r->frames[i];
    struct filter_frame *f = &r->frames[r->frame_count++];
    *f = (struct filter_frame){.base = chain, .chain = chain};
    f->ctx = chain->ctx_size ? arena_zalloc(x->arena, chain->ctx_size) : NULL;
    return f;
}

/* ---- filters of the caller's own ---- */

static bool has_type(const struct filter_chain *chain, const struct filter *f)
{
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->entries[i].filter == f)
            return true;
    return false;
}

static struct slice namespace_of(const struct filter_entry *e)
{
    struct slice owner = filter_entry_owner(e);
    return slice_sub(owner, 0, slice_find_byte(owner, '/'));
}

/* A filter of the consumer's own stands in for it. Where the two are of different namespaces both
 * run: who may say what a consumer's filters are must not open what somebody else has closed. */
static bool gives_way(const struct filter_entry *e, const struct consumer *who)
{
    return has_type(who->chain, e->filter) &&
           slice_eq(namespace_of(e), consumer_namespace(who));
}

/* What was begun, and the tail behind it. */
static const struct filter_chain *join(struct arena *arena, const struct filter_chain *base,
                                       uint32_t begun, const struct filter_chain *tail)
{
    struct filter_chain *all = arena_zalloc(arena, sizeof(*all));
    uint32_t count = begun + (tail ? tail->count : 0);
    struct filter_entry *entries = arena_alloc(arena, (count + 1) * sizeof(*entries));
    for (uint32_t i = 0; i < count; i++) {
        entries[i] = i < begun ? base->entries[i] : tail->entries[i - begun];
        all->opens |= entries[i].filter->is_next_to_backend;
    }
    all->entries = entries;
    all->count = count;
    all->ctx_size = tail ? tail->ctx_size : 0;
    return all;
}

/* The rest of the chain without what the caller has of its own, and that, where no other chain has
 * it, in the order of their phases; one that stands for what cannot be used has an early one, and
 * is not too late all the same. False: they are too many. */
static bool merge(struct filter_road *r, struct filter_exchange *x, struct filter_frame *f,
                  const struct consumer *who)
{
    const struct filter_chain *own = who->chain, *tail;
    uint32_t count = 0, added = r->personal == own ? 0 : own->count;
    struct filter_entry *entries =
        arena_alloc(x->arena, (f->base->count + added + 1) * sizeof(*entries));
    for (uint32_t i = f->passed; i < f->base->count; i++)
        if (!gives_way(&f->base->entries[i], who))
            entries[count++] = f->base->entries[i];
    for (uint32_t i = 0; i < added; i++)
        entries[count++] = own->entries[i];
    if (filter_chain_make(x->arena, entries, count, &tail))
        return false;
    r->personal = own;
    f->own_from = f->passed;
    f->chain = join(x->arena, f->base, f->passed, tail);
    f->own_ctx = f->chain->ctx_size ? arena_zalloc(x->arena, f->chain->ctx_size) : NULL;
    return true;
}

static bool is_authenticated(const struct filter_frame *f)
{
    return f->passed == f->base->count ||
           f->base->entries[f->passed].filter->phase > FILTER_PHASE_AUTHENTICATE;
}

/* Once for each chain, behind its last filter that authenticates. */
static enum filter_verdict personalize(struct filter_road *r, struct filter_exchange *x,
                                       struct filter_frame *f)
{
    const struct consumer *who = x->caller ? x->caller->consumer : NULL;
    if (f->is_personal || !is_authenticated(f))
        return FILTER_NEXT;
    f->is_personal = true;
    if (!who || !who->chain || merge(r, x, f, who))
        return FILTER_NEXT;
    x->host->fail(x, fail_info(FAIL_FILTER_BROKEN), SLICE("too many filters for one request"));
    return FILTER_REPLY;
}

/* ---- who sees a body ---- */

/* Behind those who have let the head pass before. */
static void add_stage(struct filter_exchange *x, struct filter_body *b,
                      const struct filter_entry *e, void *ctx)
{
    if (b->count == b->capacity) {
        struct filter_stage *before = b->stages;
        b->capacity = b->capacity ? 2 * b->capacity : 4;
        b->stages = arena_alloc(x->arena, b->capacity * sizeof(*b->stages));
        for (uint32_t i = 0; i < b->count; i++)
            b->stages[i] = before[i];
    }
    b->stages[b->count++] = (struct filter_stage){.entry = e, .ctx = ctx};
    b->is_over = false;
}

bool filter_road_sees_request_body(const struct filter_road *r)
{
    return r->request_body.count > 0;
}

bool filter_road_sees_response_body(const struct filter_road *r)
{
    return r->response_body.count > 0;
}

/* ---- heads ---- */

void filter_road_break(struct filter_road *r, enum filter_verdict verdict)
{
    r->broken = (uint8_t)verdict;
}

/* A filter that waits for a body waits in vain when a stage has ended the matter. */
static enum filter_verdict or_broken(struct filter_road *r, enum filter_verdict verdict)
{
    if (verdict == FILTER_WAIT && r->broken)
        verdict = (enum filter_verdict)r->broken;
    r->broken = 0;
    return verdict;
}

enum filter_verdict filter_road_request(struct filter_road *r, struct filter_exchange *x,
                                        const struct filter_chain *chain)
{
    if (!chain)
        return FILTER_NEXT;
    struct filter_frame *f = frame_of(r, x, chain);
    for (;;) {
        if (personalize(r, x, f) != FILTER_NEXT)
            return FILTER_REPLY;
        if (f->passed >= f->chain->count)
            break;
        const struct filter_entry *e = &f->chain->entries[f->passed];
        enum filter_verdict verdict = FILTER_NEXT;
        if (!may_call(r, FILTER_ON_REQUEST))
            return FILTER_WAIT;
        f->begun = f->unanswered = f->unopened = f->passed + 1;
        if (e->filter->on_request)
            verdict = or_broken(r, e->filter->on_request(x, e->conf, ctx_of(f, f->passed)));
        if (verdict != FILTER_NEXT)
            return note(r, FILTER_ON_REQUEST, verdict);
        x->was_authenticated |= e->filter->phase == FILTER_PHASE_AUTHENTICATE;
        if (e->filter->on_request_body)
            add_stage(x, &r->request_body, e, ctx_of(f, f->passed));
        f->passed++;
    }
    return FILTER_NEXT;
}

/* The filters before *left that are next to the backend, or those that are not. */
static enum filter_verdict answer(struct filter_road *r, struct filter_exchange *x,
                                  struct filter_frame *f, bool is_next, uint32_t *left)
{
    while (*left > 0) {
        uint32_t at = *left - 1;
        const struct filter_entry *e = &f->chain->entries[at];
        enum filter_verdict verdict = FILTER_NEXT;
        if (e->filter->is_next_to_backend != is_next) {
            --*left;
            continue;
        }
        if (!may_call(r, FILTER_ON_RESPONSE))
            return FILTER_WAIT;
        if (e->filter->on_response) {
            verdict = e->filter->on_response(x, e->conf, ctx_of(f, at));
            if (verdict == FILTER_WAIT && !r->broken)
                return note(r, FILTER_ON_RESPONSE, verdict);
        }
        if (verdict == FILTER_WAIT) /* it is called again, with the answer that came of that */
            return or_broken(r, verdict);
        r->broken = 0;
        --*left;
        if (verdict != FILTER_NEXT)
            return verdict;
        if (e->filter->on_response_body)
            add_stage(x, &r->response_body, e, ctx_of(f, at));
    }
    return FILTER_NEXT;
}

enum filter_verdict filter_road_response(struct filter_road *r, struct filter_exchange *x)
{
    enum filter_verdict verdict = FILTER_NEXT;
    for (unsigned i = r->frame_count; i-- > 0 && verdict == FILTER_NEXT;)
        if (r->frames[i].chain->opens)
            verdict = answer(r, x, &r->frames[i], true, &r->frames[i].unopened);
    for (unsigned i = r->frame_count; i-- > 0 && verdict == FILTER_NEXT;)
        verdict = answer(r, x, &r->frames[i], false, &r->frames[i].unanswered);
    return verdict;
}

void filter_road_unreached(struct filter_road *r, struct filter_exchange *x,
                           const struct filter_chain *chain)
{
    for (unsigned i = 0; chain && i < r->frame_count; i++)
        if (r->frames[i].base == chain)
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
    x->passing = in;
    enum filter_verdict verdict = call_stage(s, x, hook, &s->held);
    x->passing = NULL;
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
    r->woken &= (uint8_t)~bit;
    b->held = 0;
    b->waits = false;
    for (uint32_t i = 0; i < b->count; i++) {
        struct filter_stage *s = &b->stages[i];
        if (i == b->ran) { /* it has come since: what had passed those before goes on here */
            buf_move_all(out, in);
            buf_move_all(in, out);
        }
        enum filter_verdict verdict = run_stage(s, x, hook, in, end, woken);
        if (verdict == FILTER_REPLY || verdict == FILTER_RESET)
            return verdict;
        end = s->is_over;
        b->held += s->held.len;
        b->waits |= s->waits;
    }
    buf_move_all(out, in);
    b->ran = b->count;
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
