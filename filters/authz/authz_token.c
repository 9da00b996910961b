/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz/authz_token.h"

#include <stdio.h>

#include "filters/authz/authz_trace.h"
#include "filters/caller/caller.h"
#include "lib/codec/doc/doc.h"

#define SCALAR_MAX 32

bool authz_token_path(struct slice key, struct arena *arena, const struct slice **names,
                      uint32_t *count)
{
    struct slice front = SLICE("request.auth.claims"), rest;
    if (!slice_starts_with(key, front))
        return false;
    rest = slice_sub(key, front.len, key.len);
    struct slice *items = arena_alloc(arena, (rest.len / 3 + 1) * sizeof(*items));
    *names = items;
    *count = 0;
    while (rest.len) {
        size_t end = slice_find_byte(rest, ']');
        if (rest.ptr[0] != '[' || end == rest.len || end == 1)
            return false;
        items[(*count)++] = slice_sub(rest, 1, end - 1);
        rest = slice_sub(rest, end + 1, rest.len);
    }
    return *count > 0;
}

/* ---- one list against a claim ---- */

static struct slice scalar_text(const struct doc *d, char room[SCALAR_MAX])
{
    if (d->type == DOC_STRING)
        return d->string;
    if (d->type == DOC_BOOL)
        return d->boolean ? SLICE("true") : SLICE("false");
    if (d->type == DOC_INT)
        return slice_of(room, (size_t)snprintf(room, SCALAR_MAX, "%lld", (long long)d->integer));
    return (struct slice){0};
}

static enum truth any_match(const struct authz_strings *list, struct slice value)
{
    enum truth t = TRUTH_NO;
    for (uint32_t i = 0; i < list->count && t != TRUTH_YES; i++)
        t = truth_or(t, match_string(&list->items[i], value));
    return t;
}

/* A list's items, a text's words (RFC 8693 §4.2: of scope), or the value itself: one is enough. */
static enum truth any_of_claim(const struct authz_strings *list, const struct doc *claim,
                               bool has_words)
{
    char room[SCALAR_MAX];
    enum truth t = TRUTH_NO;
    if (!claim)
        return TRUTH_NO;
    struct slice text = scalar_text(claim, room), word;
    if (text.len)
        t = any_match(list, text);
    while (has_words && slice_split(&text, ' ', &word))
        if (word.len)
            t = truth_or(t, any_match(list, word));
    for (size_t i = 0; claim->type == DOC_ARRAY && i < claim->count; i++) {
        text = scalar_text(claim->items[i], room);
        if (text.len)
            t = truth_or(t, any_match(list, text));
    }
    return t;
}

/* An opaque connection has no token, and where nobody has looked for one nobody can tell. */
static bool is_unknown(const struct authz_facts *f)
{
    if (f->request && f->tokens == AUTHZ_TOKENS_READ)
        return false;
    if (f->trace)
        authz_trace_no_token(f->trace, f->tokens == AUTHZ_TOKENS_AWAITED);
    return true;
}

/* ---- what rules ask ---- */

enum truth authz_token_principal(const struct authz_facts *f, const struct authz_strings *in,
                                 const struct authz_strings *not_in)
{
    struct slice principal = f->caller ? f->caller->principal : SLICE("");
    enum truth t = TRUTH_YES;
    if (!in->count && !not_in->count)
        return TRUTH_YES;
    if (is_unknown(f))
        return TRUTH_UNKNOWN;
    if (in->count)
        t = principal.len ? any_match(in, principal) : TRUTH_NO;
    if (not_in->count && principal.len)
        t = truth_and(t, truth_not(any_match(not_in, principal)));
    if (f->trace && t != TRUTH_YES)
        authz_trace_strings(f->trace, AUTHZ_PART_TOKEN_PRINCIPAL, in, not_in, principal);
    return t;
}

static const struct doc *claim_of(const struct authz_condition *c,
                                  const struct filter_caller *caller)
{
    const struct doc *d = caller ? caller->claims : NULL;
    if (c->key == AUTHZ_KEY_TOKEN_AUDIENCES)
        return doc_get(d, SLICE("aud"));
    if (c->key == AUTHZ_KEY_TOKEN_PRESENTER)
        return doc_get(d, SLICE("azp"));
    for (uint32_t i = 0; d && i < c->claim_count; i++)
        d = doc_get(d, c->claim[i]);
    return d;
}

enum truth authz_token_test(const struct authz_condition *c, const struct authz_facts *f)
{
    if (c->key == AUTHZ_KEY_TOKEN_PRINCIPAL)
        return authz_token_principal(f, &c->values, &c->not_values);
    if (is_unknown(f))
        return TRUTH_UNKNOWN;
    const struct doc *claim = claim_of(c, f->caller);
    bool has_words = c->claim_count == 1 && (slice_eq_cstr(c->claim[0], "scope") ||
                                             slice_eq_cstr(c->claim[0], "permission"));
    enum truth t = c->values.count ? any_of_claim(&c->values, claim, has_words) : TRUTH_YES;
    if (c->not_values.count)
        t = truth_and(t, truth_not(any_of_claim(&c->not_values, claim, has_words)));
    if (f->trace && t != TRUTH_YES)
        authz_trace_strings(f->trace, AUTHZ_PART_TOKEN_CLAIM, &c->values, &c->not_values,
                            doc_string(claim));
    return t;
}
