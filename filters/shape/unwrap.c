/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/unwrap.h"

/* Of input and of output, of each coding at a time: with the slowest of them 0.2 ms. */
#define PIECE (32u * 1024)

bool unwrap_begin(struct unwrap *u, const enum decoder_coding *codings, unsigned count)
{
    for (u->count = 0; u->count < count; u->count++) {
        struct unwrap_layer *l = &u->layers[u->count];
        l->decoder = decoder_take(codings[count - 1 - u->count]);
        if (!l->decoder)
            return false;
        buf_init(&l->in);
    }
    return true;
}

void unwrap_end(struct unwrap *u)
{
    while (u->count > 0) {
        struct unwrap_layer *l = &u->layers[--u->count];
        decoder_give(l->decoder);
        buf_dispose(&l->in);
    }
}

static enum unwrap_result judge(const struct unwrap_layer *l, const struct unwrap_limits *limits)
{
    if (l->made > limits->size)
        return UNWRAP_TOO_LARGE;
    bool is_bomb = l->made > UNWRAP_RATIO_FROM && l->made > l->taken * limits->ratio;
    return is_bomb ? UNWRAP_BOMB : UNWRAP_ALL;
}

static enum unwrap_result run_layer(struct unwrap_layer *l, const struct unwrap_limits *limits,
                                    struct buf *in, struct buf *out)
{
    size_t taken = 0, had = out->len;
    while ((l->is_full || !buf_is_empty(in)) && taken < PIECE && out->len - had < PIECE) {
        struct slice front = buf_front(in);
        front.len = front.len < PIECE - taken ? front.len : PIECE - taken;
        struct slice rest = front;
        size_t before = out->len;
        enum decoder_result result =
            decoder_run(l->decoder, &rest, PIECE - (out->len - had), out);
        if (result == DECODER_BAD)
            return UNWRAP_BAD;
        buf_drain(in, front.len - rest.len);
        taken += front.len - rest.len;
        l->taken += front.len - rest.len;
        l->made += out->len - before;
        l->is_full = result == DECODER_FULL;
        enum unwrap_result verdict = judge(l, limits);
        if (verdict != UNWRAP_ALL)
            return verdict;
    }
    return UNWRAP_ALL;
}

static bool is_complete(const struct unwrap *u)
{
    for (unsigned i = 0; i < u->count; i++)
        if (!decoder_is_complete(u->layers[i].decoder))
            return false;
    return true;
}

/* The innermost first, so that what has come so far leaves before more of it is made. */
enum unwrap_result unwrap_run(struct unwrap *u, const struct unwrap_limits *limits,
                              struct buf *body, bool end, struct buf *out)
{
    bool is_left = false;
    for (unsigned i = u->count; i-- > 0;) {
        struct unwrap_layer *l = &u->layers[i];
        struct buf *in = i > 0 ? &l->in : body;
        bool is_last = i == u->count - 1;
        if (is_last || buf_is_empty(&u->layers[i + 1].in)) {
            enum unwrap_result verdict =
                run_layer(l, limits, in, is_last ? out : &u->layers[i + 1].in);
            if (verdict != UNWRAP_ALL)
                return verdict;
        }
        is_left |= l->is_full || !buf_is_empty(in) ||
                   (!is_last && !buf_is_empty(&u->layers[i + 1].in));
    }
    if (is_left)
        return UNWRAP_MORE;
    return end && !is_complete(u) ? UNWRAP_BAD : UNWRAP_ALL;
}
