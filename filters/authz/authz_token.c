/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz/authz_token.h"

#include "filters/authz/authz_trace.h"
#include "filters/caller/caller.h"
#include "lib/codec/doc/doc.h"

bool authz_token_path(struct slice key, struct arena *arena, struct claim_path *out)
{
    struct slice front = SLICE("request.auth.claims"), rest;
    if (!slice_starts_with(key, front))
        return false;
    rest = slice_sub(key, front.len, key.len);
    struct slice *items = arena_alloc(arena, (rest.len / 3 + 1) * sizeof(*items));
    *out = (struct claim_path){items, 0};
    while (rest.len) {
        size_t end = slice_find_byte(rest, ']');
        if (rest.ptr[0] != '[' || end == rest.len || end == 1)
            return false;
        items[out->count++] = slice_sub(rest, 1, end - 1);
        rest = slice_sub(rest, end + 1, rest.len);
    }
    return out->count > 0;
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

static enum truth any_of(const struct authz_strings *list, struct slice value)
{
    enum truth t = TRUTH_NO;
    for (uint32_t i = 0; i < list->count && t != TRUTH_YES; i++)
        t = truth_or(t, match_string(&list->items[i], value));
    return t;
}

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
        t = principal.len ? any_of(in, principal) : TRUTH_NO;
    if (not_in->count && principal.len)
        t = truth_and(t, truth_not(any_of(not_in, principal)));
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
    return claim_match_find(d, &c->claim);
}

enum truth authz_token_test(const struct authz_condition *c, const struct authz_facts *f)
{
    if (c->key == AUTHZ_KEY_TOKEN_PRINCIPAL)
        return authz_token_principal(f, &c->values, &c->not_values);
    if (is_unknown(f))
        return TRUTH_UNKNOWN;
    const struct doc *claim = claim_of(c, f->caller);
    bool has_words = claim_match_has_words(&c->claim);
    const struct authz_strings *in = &c->values, *not_in = &c->not_values;
    enum truth t =
        in->count ? claim_match_any(in->items, in->count, claim, has_words) : TRUTH_YES;
    if (not_in->count)
        t = truth_and(
            t, truth_not(claim_match_any(not_in->items, not_in->count, claim, has_words)));
    if (f->trace && t != TRUTH_YES)
        authz_trace_strings(f->trace, AUTHZ_PART_TOKEN_CLAIM, in, not_in, doc_string(claim));
    return t;
}
