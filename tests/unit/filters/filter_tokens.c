/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/filter_tokens.h"

#include "lib/jose/jose_alg.h"
#include "tests/unit/lib/jose/token_maker.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct slice behind(struct slice text, size_t at)
{
    return slice_sub(text, at, text.len);
}

static struct slice take_word(struct slice *text)
{
    struct slice word = slice_sub(*text, 0, slice_find_byte(*text, ' '));
    *text = behind(*text, word.len + 1);
    return word;
}

static enum signature_alg alg_named(struct slice name)
{
    enum signature_alg alg = jose_alg_find(name);
    if (alg == SIGNATURE_NONE)
        fail_msg("a case has no such algorithm: %.*s", SLICE_ARG(name));
    return alg;
}

static struct slice make(struct filter_tokens *t, struct arena *arena, struct slice text)
{
    struct slice word = take_word(&text), between = SLICE("} {");
    if (slice_eq_cstr(word, "jwk")) {
        struct slice name = take_word(&text);
        return token_jwk(arena, alg_named(name), text);
    }
    size_t cut = slice_find(text, between);
    enum signature_alg alg = alg_named(word);
    struct slice token =
        cut == text.len
            ? token_plain(arena, alg, text)
            : token_make(arena, alg, slice_sub(text, 0, cut + 1), behind(text, cut + 2));
    assert_true(t->count < FILTER_TOKENS_MAX);
    return t->made[t->count++] = token;
}

struct slice filter_tokens_fill(struct filter_tokens *t, struct arena *arena, struct slice text)
{
    struct slice open = SLICE("<<"), close = SLICE(">>"), done = {0};
    size_t at;
    while ((at = slice_find(text, open)) < text.len) {
        struct slice rest = behind(text, at + 2);
        size_t end = slice_find(rest, close);
        assert_true(end < rest.len);
        done = arena_printf(arena, "%.*s%.*s%.*s", SLICE_ARG(done), (int)at, text.ptr,
                            SLICE_ARG(make(t, arena, slice_sub(rest, 0, end))));
        text = behind(rest, end + 2);
    }
    return done.len ? arena_printf(arena, "%.*s%.*s", SLICE_ARG(done), SLICE_ARG(text)) : text;
}

void filter_tokens_hide(const struct filter_tokens *t, struct arena *arena, struct buf *out)
{
    if (!t->count)
        return;
    struct slice text = buf_take_into(out, arena);
    for (size_t i = 0; i < t->count; i++) {
        size_t at;
        while ((at = slice_find(text, t->made[i])) < text.len)
            text = arena_printf(arena, "%.*s<token>%.*s", (int)at, text.ptr,
                                SLICE_ARG(behind(text, at + t->made[i].len)));
    }
    buf_dispose(out);
    buf_init(out);
    buf_append_slice(out, text);
}
