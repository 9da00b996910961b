/* The hooks that wait before they do anything. One thread, and one filter at a time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/filter_shy.h"

/* Hooks find it here. */
static struct filter_shy current;

struct shy_ctx {
    unsigned shown; /* bits: hooks that have waited */
    unsigned begun;
    _Alignas(8) char own[];
};

/* The client leaves when enough was called. */
static bool is_first(struct shy_ctx *ctx, unsigned hook)
{
    struct filter_shy *s = &current;
    s->counts->calls++;
    if (s->mode->leave_after && s->counts->calls >= s->mode->leave_after)
        *s->is_gone = true;
    if (!ctx->begun++)
        s->counts->begun++;
    if (!s->mode->waits_first || (ctx->shown & 1u << hook))
        return false;
    ctx->shown |= 1u << hook;
    *s->is_woken = true;
    return true;
}

static enum filter_verdict shy_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct shy_ctx *own = ctx;
    if (is_first(own, FILTER_ON_REQUEST))
        return FILTER_WAIT;
    return current.real->on_request ? current.real->on_request(x, conf, own->own) : FILTER_NEXT;
}

/* Before the chain had its turn nobody waits, and nobody is told of an end. */
static enum filter_verdict shy_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct shy_ctx *own = ctx;
    if (!current.is_early && is_first(own, FILTER_ON_RESPONSE))
        return FILTER_WAIT;
    return current.real->on_response ? current.real->on_response(x, conf, own->own) : FILTER_NEXT;
}

static enum filter_verdict shy_request_body(struct filter_exchange *x, const void *conf, void *ctx,
                                            struct buf *body, bool end)
{
    struct shy_ctx *own = ctx;
    if (is_first(own, FILTER_ON_REQUEST_BODY))
        return FILTER_WAIT;
    return current.real->on_request_body(x, conf, own->own, body, end);
}

static enum filter_verdict shy_response_body(struct filter_exchange *x, const void *conf, void *ctx,
                                             struct buf *body, bool end)
{
    struct shy_ctx *own = ctx;
    if (is_first(own, FILTER_ON_RESPONSE_BODY))
        return FILTER_WAIT;
    return current.real->on_response_body(x, conf, own->own, body, end);
}

static void shy_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct shy_ctx *own = ctx;
    current.counts->ended++;
    if (current.real->on_end)
        current.real->on_end(x, conf, own->own);
}

struct filter filter_shy_make(const struct filter_shy *s)
{
    const struct filter *f = s->real;
    struct filter shy = *f;
    current = *s;
    shy.ctx_size += sizeof(struct shy_ctx);
    shy.on_request = shy_request;
    shy.on_response = shy_response;
    shy.on_request_body = f->on_request_body ? shy_request_body : NULL;
    shy.on_response_body = f->on_response_body ? shy_response_body : NULL;
    shy.on_end = shy_end;
    return shy;
}
