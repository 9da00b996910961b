/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/jwt_place.h"

#include "filters/caller/credential_query.h"
#include "filters/strip.h"
#include "lib/codec/http/cookie.h"

bool jwt_place_eq(const struct jwt_place *a, const struct jwt_place *b)
{
    return a->kind == b->kind && slice_eq(a->name, b->name) &&
           slice_eq_nocase(a->prefix, b->prefix);
}

bool jwt_place_is_in(const struct jwt_place_list *list, const struct jwt_place *place)
{
    for (size_t i = 0; i < list->count; i++)
        if (jwt_place_eq(&list->items[i], place))
            return true;
    return false;
}

/* ---- one place: what stands there, and how often ---- */

struct find {
    struct slice text;
    unsigned count;
};

static void note(struct find *f, struct slice text)
{
    f->text = text;
    f->count++;
}

static bool is_named(const struct header *h, struct slice name)
{
    return slice_eq(h->name, name);
}

/* "Bearer  x" has its scheme in any case, and any number of spaces behind it (RFC 9110 §11.4). */
static struct slice without_prefix(struct slice value, struct slice prefix)
{
    struct slice rest = slice_sub(value, prefix.len, value.len);
    if (value.len < prefix.len || !slice_eq_nocase(slice_sub(value, 0, prefix.len), prefix))
        return (struct slice){0};
    return slice_trim(rest);
}

static void find_header(const struct headers *h, const struct jwt_place *p, struct find *f)
{
    unsigned lines = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        if (!is_named(&h->items[i], p->name))
            continue;
        lines++;
        struct slice text = without_prefix(h->items[i].value, p->prefix);
        if (text.len)
            note(f, text);
    }
    if (f->count && lines > 1)
        f->count = lines;
}

static void find_cookie(const struct headers *h, const struct jwt_place *p, struct find *f)
{
    struct cookie_walk walk = cookie_walk_of(h);
    struct cookie c;
    while (cookie_walk_next(&walk, &c))
        if (slice_eq(c.name, p->name))
            note(f, c.value);
}

/* A token has no characters that need escapes; one with them is none. Its parameter may. */
static void find_param(const struct filter_exchange *x, const struct jwt_place *p, struct find *f)
{
    struct slice rest = message_query(x->request), pair;
    while (slice_split(&rest, '&', &pair))
        if (credential_query_is_named(x->arena, pair, &p->name, 1))
            note(f, slice_sub(pair, slice_find_byte(pair, '=') + 1, pair.len));
}

static struct find find_at(const struct filter_exchange *x, const struct jwt_place *p)
{
    struct find f = {0};
    if (p->kind == JWT_IN_HEADER)
        find_header(&x->request->headers, p, &f);
    else if (p->kind == JWT_IN_COOKIE)
        find_cookie(&x->request->headers, p, &f);
    else
        find_param(x, p, &f);
    return f;
}

enum jwt_found jwt_place_search(const struct filter_exchange *x, const struct jwt_place_list *in,
                                struct jwt_token *out)
{
    *out = (struct jwt_token){0};
    for (size_t i = 0; i < in->count; i++) {
        struct find f = find_at(x, &in->items[i]);
        if (f.count > 1 || (f.count && out->place && !slice_eq(f.text, out->text)))
            return JWT_FOUND_SEVERAL;
        if (f.count && !out->place)
            *out = (struct jwt_token){f.text, &in->items[i]};
    }
    return out->place ? JWT_FOUND_ONE : JWT_FOUND_NONE;
}

/* ---- taking away ---- */

static bool is_cookie(const struct cookie *c, const void *name)
{
    return slice_eq(c->name, *(const struct slice *)name);
}

void jwt_place_clear(struct filter_exchange *x, const struct jwt_place *place)
{
    if (!find_at(x, place).count)
        return;
    if (place->kind == JWT_IN_HEADER)
        headers_remove(&x->request->headers, place->name);
    else if (place->kind == JWT_IN_COOKIE)
        cookie_remove_if(&x->request->headers, is_cookie, &place->name);
    else
        x->request->path =
            credential_query_remove(x->arena, x->request->path, &place->name, 1);
}

void jwt_place_hide(struct filter_exchange *x, const struct jwt_place_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == JWT_IN_PARAM)
            strip_logged_query(x, &list->items[i].name, 1);
}
