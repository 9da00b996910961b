/* Times are whole seconds, rounded up: who waits for so long will not have come too early.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_answer.h"

#include <inttypes.h>

#include "filters/refusal.h"

static uint64_t seconds(uint64_t ms)
{
    return ms / 1000 + (ms % 1000 != 0);
}

static uint64_t retry_after(const struct rate_ask *a)
{
    uint64_t s = seconds(a->verdict.retry_ms);
    return s ? s : 1;
}

/* ---- which one ---- */

static bool is_tighter(const struct rate_ask *a, const struct rate_ask *than)
{
    const struct rate_verdict *v = &a->verdict, *t = &than->verdict;
    if (v->is_allowed != t->is_allowed)
        return !v->is_allowed;
    if (!v->is_allowed)
        return v->retry_ms > t->retry_ms;
    return v->remaining < t->remaining ||
           (v->remaining == t->remaining && v->reset_ms > t->reset_ms);
}

const struct rate_ask *rate_answer_tightest(const struct rate_ask *asks, unsigned count)
{
    const struct rate_ask *best = &asks[0];
    for (unsigned i = 1; i < count; i++)
        if (is_tighter(&asks[i], best))
            best = &asks[i];
    return best;
}

/* ---- headers ---- */

static void set(struct filter_exchange *x, struct slice name, uint64_t value)
{
    headers_set(&x->response->headers, name, arena_decimal(x->arena, value));
}

void rate_answer_retry_after(struct filter_exchange *x, const struct rate_ask *tightest)
{
    if (tightest->verdict.retry_ms != UINT64_MAX)
        headers_set_id(&x->response->headers, HEADER_RETRY_AFTER,
                       arena_decimal(x->arena, retry_after(tightest)));
}

struct window_names {
    struct slice limit, remaining;
};

#define NAMES(window) {SLICE("x-ratelimit-limit-" window), SLICE("x-ratelimit-remaining-" window)}

static void set_window(struct filter_exchange *x, const struct rate_ask *a)
{
    const struct window_names all[] = {NAMES("second"), NAMES("minute"), NAMES("hour"),
                                       NAMES("day"),    NAMES("month"),  NAMES("year")};
    const struct window_names *names = &all[a->limit->period];
    set(x, names->limit, a->limit->max);
    set(x, names->remaining, a->verdict.remaining);
}

/* Of two windows of one length the tighter is shown. */
static bool is_shown(const struct rate_ask *asks, unsigned count, unsigned which)
{
    const struct rate_ask *mine = &asks[which];
    if (mine->limit->algorithm != RATE_FIXED_WINDOW)
        return false;
    for (unsigned i = 0; i < count; i++) {
        const struct rate_ask *other = &asks[i];
        if (i != which && other->limit->algorithm == RATE_FIXED_WINDOW &&
            other->limit->period == mine->limit->period && is_tighter(other, mine))
            return false;
    }
    return true;
}

static void set_kong(struct filter_exchange *x, const struct rate_ask *asks, unsigned count)
{
    const struct rate_ask *tightest = rate_answer_tightest(asks, count);
    for (unsigned i = 0; i < count; i++)
        if (is_shown(asks, count, i))
            set_window(x, &asks[i]);
    set(x, SLICE("ratelimit-limit"), tightest->limit->max);
    set(x, SLICE("ratelimit-remaining"), tightest->verdict.remaining);
    set(x, SLICE("ratelimit-reset"), seconds(tightest->verdict.reset_ms));
}

static void set_x(struct filter_exchange *x, const struct rate_ask *tightest)
{
    set(x, SLICE("x-ratelimit-limit"), tightest->limit->max);
    set(x, SLICE("x-ratelimit-remaining"), tightest->verdict.remaining);
    set(x, SLICE("x-ratelimit-reset"), seconds(tightest->verdict.reset_ms));
}

/* draft-ietf-httpapi-ratelimit-headers-10: lists of structured fields (RFC 9651). */
static void set_draft(struct filter_exchange *x, const struct rate_ask *asks,
                      const struct slice *names, unsigned count)
{
    struct slice policy = SLICE(""), state = SLICE("");
    for (unsigned i = 0; i < count; i++) {
        const char *comma = i ? ", " : "";
        const struct rate_ask *a = &asks[i];
        policy = arena_printf(x->arena, "%.*s%s\"%.*s\";q=%" PRIu32 ";w=%" PRIu64,
                              SLICE_ARG(policy), comma, SLICE_ARG(names[i]), a->limit->max,
                              seconds(rate_window_length_ms(a->limit)));
        state = arena_printf(x->arena, "%.*s%s\"%.*s\";r=%" PRIu32 ";t=%" PRIu64, SLICE_ARG(state),
                             comma, SLICE_ARG(names[i]), a->verdict.remaining,
                             seconds(a->verdict.reset_ms));
    }
    headers_set(&x->response->headers, SLICE("ratelimit-policy"), policy);
    headers_set(&x->response->headers, SLICE("ratelimit"), state);
}

void rate_answer_headers(struct filter_exchange *x, enum rate_headers style,
                         const struct rate_ask *asks, const struct slice *names, unsigned count)
{
    if (style == RATE_HEADERS_KONG)
        set_kong(x, asks, count);
    else if (style == RATE_HEADERS_X)
        set_x(x, rate_answer_tightest(asks, count));
    else if (style == RATE_HEADERS_DRAFT)
        set_draft(x, asks, names, count);
}

/* ---- bodies ---- */

enum placeholder { RETRY_AFTER, RESET, LIMIT, REMAINING, PLACEHOLDERS };

static enum placeholder placeholder_of(struct slice name)
{
    static const char *const names[] = {"retry_after", "reset", "limit", "remaining"};
    int i = 0;
    while (i < PLACEHOLDERS && !slice_eq_cstr(name, names[i]))
        i++;
    return (enum placeholder)i;
}

/* The text before the next placeholder, and its name; false: there is none. */
static bool next_placeholder(struct slice *rest, struct slice *before, struct slice *name)
{
    size_t open = slice_find(*rest, SLICE("{{"));
    size_t close = open + slice_find(slice_sub(*rest, open, rest->len), SLICE("}}"));
    if (close >= rest->len)
        return false;
    *before = slice_sub(*rest, 0, open);
    *name = slice_trim(slice_sub(*rest, open + 2, close - open - 2));
    *rest = slice_sub(*rest, close + 2, rest->len);
    return true;
}

static bool check_body(struct slice body, struct slice *unknown)
{
    struct slice before, name;
    while (next_placeholder(&body, &before, &name)) {
        *unknown = name;
        if (placeholder_of(name) == PLACEHOLDERS)
            return false;
    }
    return true;
}

static uint64_t value_of(enum placeholder p, const struct rate_ask *a)
{
    switch (p) {
    case RETRY_AFTER:
        return a->verdict.retry_ms == UINT64_MAX ? 0 : retry_after(a);
    case RESET:
        return seconds(a->verdict.reset_ms);
    case LIMIT:
        return a->limit->max;
    default:
        return a->verdict.remaining;
    }
}

static struct slice fill_body(struct arena *arena, struct slice body, const struct rate_ask *ask)
{
    struct slice all = SLICE(""), before, name;
    while (next_placeholder(&body, &before, &name))
        all = arena_printf(arena, "%.*s%.*s%" PRIu64, SLICE_ARG(all), SLICE_ARG(before),
                           value_of(placeholder_of(name), ask));
    return all.len ? arena_printf(arena, "%.*s%.*s", SLICE_ARG(all), SLICE_ARG(body)) : body;
}

/* ---- the whole refusal ---- */

enum err rate_answer_prepare(const struct filter_build *b, const struct rate_refusal_spec *spec,
                             struct rate_refusal *out)
{
    struct slice unknown;
    if (!check_body(spec->body, &unknown))
        return filter_refuse(b, "refusal.body: there is no placeholder {{%.*s}}",
                             SLICE_ARG(unknown));
    *out = (struct rate_refusal){.status = (unsigned)spec->status,
                                 .content_type = spec->content_type,
                                 .body = spec->body};
    return ERR_OK;
}

void rate_answer_refuse(struct filter_exchange *x, const struct rate_refusal *r,
                        const struct fail_info *why, struct slice detail,
                        const struct rate_ask *tightest)
{
    refusal_answer(x, why, detail, r->status, r->content_type,
                   fill_body(x->arena, r->body, tightest));
}
