/* What an authorizer wants of a request and of its response, carried out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/ext_auth.h"

#include <string.h>

#include "filters/caller/credential_query.h"
#include "filters/strip.h"
#include "lib/base/percent.h"
#include "lib/schema/schema_format.h"

bool ext_auth_may_change(struct slice name)
{
    return schema_format_mutable_header.is_valid(name) &&
           !slice_starts_with(name, SLICE("x-weft-"));
}

/* ---- headers ---- */

static void change(struct headers *to, const struct ext_auth_header *h)
{
    bool is_there = headers_find(to, h->name) != NULL;
    switch (h->action) {
    case EXT_AUTH_SET:
        headers_set(to, h->name, h->value);
        break;
    case EXT_AUTH_APPEND:
        headers_add(to, h->name, h->value);
        break;
    case EXT_AUTH_ADD_IF_ABSENT:
        if (!is_there)
            headers_add(to, h->name, h->value);
        break;
    case EXT_AUTH_SET_IF_PRESENT:
        if (is_there)
            headers_set(to, h->name, h->value);
        break;
    }
}

void ext_auth_strip(struct filter_exchange *x, const struct ext_auth *c)
{
    for (uint32_t i = 0; i < c->to_backend_count; i++)
        strip_header(x, c->to_backend[i]);
}

/* ---- the query ---- */

/* True: the parameter goes, because it is removed or gets another value. */
static bool goes(const struct ext_auth_answer *a, struct slice pair, struct arena *arena)
{
    for (uint32_t i = 0; i < a->query_remove_count; i++)
        if (credential_query_is_named(arena, pair, &a->query_remove[i], 1))
            return true;
    for (uint32_t i = 0; i < a->query_set_count; i++)
        if (credential_query_is_named(arena, pair, &a->query_set[i].key, 1))
            return true;
    return false;
}

static char *put(char *to, struct slice text)
{
    memcpy(to, text.ptr, text.len);
    return to + text.len;
}

static char *put_escaped(char *to, struct slice text)
{
    return to + percent_encode(text, "-._~", to);
}

static size_t room_for(const struct message *m, const struct ext_auth_answer *a)
{
    size_t room = m->path.len + 2;
    for (uint32_t i = 0; i < a->query_set_count; i++)
        room += 3 * (a->query_set[i].key.len + a->query_set[i].value.len) + 2;
    return room;
}

static void change_query(struct message *m, const struct ext_auth_answer *a, struct arena *arena)
{
    struct slice rest = message_query(m), pair;
    rest.ptr = rest.len ? rest.ptr : NULL; /* no query has no parameter, not even an empty one */
    char *text = arena_alloc(arena, room_for(m, a));
    char *to = put(text, message_path_only(m));
    char sign = '?';
    while (slice_split(&rest, '&', &pair)) {
        if (goes(a, pair, arena))
            continue;
        *to++ = sign;
        to = put(to, pair);
        sign = '&';
    }
    for (uint32_t i = 0; i < a->query_set_count; i++) {
        *to++ = sign;
        to = put_escaped(to, a->query_set[i].key);
        *to++ = '=';
        to = put_escaped(to, a->query_set[i].value);
        sign = '&';
    }
    m->path = slice_of(text, (size_t)(to - text));
}

/* ---- all of it ---- */

void ext_auth_apply(struct filter_exchange *x, const struct ext_auth_answer *a)
{
    for (uint32_t i = 0; i < a->remove_count; i++)
        strip_header(x, a->remove[i]);
    for (uint32_t i = 0; i < a->to_backend_count; i++) {
        strip_disguises(x, a->to_backend[i].name);
        change(&x->request->headers, &a->to_backend[i]);
    }
    if (a->query_set_count || a->query_remove_count)
        change_query(x->request, a, x->arena);
}

void ext_auth_apply_response(struct message *response, const struct ext_auth_answer *a)
{
    for (uint32_t i = 0; i < a->to_client_count; i++)
        change(&response->headers, &a->to_client[i]);
}
