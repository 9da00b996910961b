/* Heads of requests by the rules of ClientTraffic; see explain_client.h. Main thread. Must not know
 * what is decided then.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain_client.h"

#include "lib/base/addr.h"
#include "lib/codec/forwarded.h"
#include "lib/codec/header_fold.h"
#include "weftctl/holds.h"

typedef Weft__Config__V1__ClientTraffic rules_of_clients;

/* ---- whom it is from ---- */

bool explain_client_trusts(const rules_of_clients *rules, struct slice principal)
{
    return rules && rules->trust && principal.len &&
           holds_any(rules->trust->identities, rules->trust->n_identities, principal) == HOLDS_YES;
}

static struct forwarded_trust trust_of(struct arena *arena,
                                       const Weft__Config__V1__ClientTrust *from, bool at_gateway)
{
    struct cidr *addresses = arena_alloc(arena, (from->n_addresses + 1) * sizeof(*addresses));
    struct forwarded_trust trust = {.hops = at_gateway ? from->hops : 0, .addresses = addresses};
    for (size_t i = 0; i < from->n_addresses; i++)
        if (!cidr_parse(slice_from_cstr(from->addresses[i]->text), &addresses[trust.address_count]))
            trust.address_count++;
    return trust;
}

struct slice explain_client_find(struct arena *arena, const rules_of_clients *rules,
                                 const struct explain_peer *peer, const struct asked *asked)
{
    struct headers h;
    struct forwarded f;
    struct addr ip = {0};
    char text[ADDR_TEXT_MAX];
    if (!rules || !rules->trust)
        return peer->ip;
    headers_init(&h, arena);
    for (size_t i = 0; i < asked->header_count; i++)
        headers_add(&h, asked->headers[i].name, asked->headers[i].value);
    bool known = peer->ip.len && addr_parse(peer->ip, &ip) == ERR_OK;
    struct forwarded_trust trust = trust_of(arena, rules->trust, peer->at_gateway);
    forwarded_read(&f, &h, &ip, &trust, explain_client_trusts(rules, peer->principal));
    if (f.is_unknown || (f.first_field == FORWARDED_NONE && !known))
        return SLICE("");
    return arena_copy(arena, slice_from_cstr(addr_format_ip(&f.client, text)));
}

/* ---- names ---- */

struct slice explain_client_sift(struct arena *arena, const rules_of_clients *rules,
                                 struct asked *asked)
{
    int action = rules ? (int)rules->underscores : 0;
    size_t kept = 0;
    for (size_t i = 0; i < asked->header_count; i++) {
        struct slice name = asked->headers[i].name;
        bool odd = header_fold_is_odd(name), low = slice_find_byte(name, '_') < name.len;
        enum header_fold_rule rule = odd ? header_fold_judge(name) : HEADER_FOLD_PASS;
        if (rule == HEADER_FOLD_REFUSE)
            return arena_printf(arena, "header %.*s can be read as one that frames the message",
                                SLICE_ARG(name));
        if (rule == HEADER_FOLD_PASS && low &&
            action == WEFT__CONFIG__V1__UNDERSCORES_ACTION__UNDERSCORES_REJECT)
            return arena_printf(arena, "the name of header %.*s has an underscore",
                                SLICE_ARG(name));
        if (rule == HEADER_FOLD_DROP ||
            (low && action == WEFT__CONFIG__V1__UNDERSCORES_ACTION__UNDERSCORES_DROP))
            continue;
        asked->headers[kept++] = asked->headers[i];
    }
    asked->header_count = kept;
    return SLICE("");
}

/* Of several that it could be, none may be the name itself. */
struct names {
    struct arena *arena;
    struct slice *items;
    size_t count, capacity;
};

static void add_name(struct names *n, struct slice name)
{
    if (n->count == n->capacity) {
        struct slice *more = arena_alloc(n->arena, 2 * (n->capacity + 4) * sizeof(*more));
        for (size_t i = 0; i < n->count; i++)
            more[i] = n->items[i];
        n->capacity = 2 * (n->capacity + 4);
        n->items = more;
    }
    n->items[n->count++] = name;
}

static void gather_rule(struct names *n, const Weft__Config__V1__AuthzRule *rule)
{
    static const struct slice open = {"request.headers[", 16};
    for (size_t i = 0; i < rule->n_when; i++) {
        struct slice key = slice_from_cstr(rule->when[i]->key);
        if (!slice_starts_with(key, open))
            continue;
        char *name = arena_strdup(n->arena, slice_sub(key, open.len, key.len - open.len - 1));
        for (char *at = name; *at; at++)
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
        add_name(n, slice_from_cstr(name));
    }
}

static void gather_host(struct names *n, const Weft__Config__V1__VirtualHost *host)
{
    for (size_t i = 0; i < host->n_routes; i++) {
        const Weft__Config__V1__RouteMatch *m = host->routes[i]->match;
        for (size_t j = 0; m && j < m->n_headers; j++)
            add_name(n, slice_from_cstr(m->headers[j]->name));
    }
}

static struct slice meant_by(const struct names *n, struct slice name)
{
    struct slice found = {NULL, 0};
    for (size_t i = 0; i < n->count; i++) {
        if (slice_eq(n->items[i], name))
            return (struct slice){NULL, 0};
        if (header_fold_eq(n->items[i], name))
            found = n->items[i];
    }
    return found;
}

struct slice explain_client_check(struct arena *arena, Weft__Config__V1__AuthzPolicy *const *authz,
                                  size_t n_authz, Weft__Config__V1__VirtualHost *const *hosts,
                                  size_t n_hosts, const struct asked *asked)
{
    struct names names = {.arena = arena};
    for (size_t i = 0; i < n_authz; i++)
        for (size_t j = 0; j < authz[i]->n_rules; j++)
            gather_rule(&names, authz[i]->rules[j]);
    for (size_t i = 0; i < n_hosts; i++)
        gather_host(&names, hosts[i]);
    for (size_t i = 0; i < asked->header_count; i++) {
        struct slice name = asked->headers[i].name;
        struct slice meant = header_id_of(name) ? (struct slice){NULL, 0} : meant_by(&names, name);
        if (meant.len)
            return arena_printf(arena,
                                "header %.*s can be read as %.*s, by which a policy or a route "
                                "decides",
                                SLICE_ARG(name), SLICE_ARG(meant));
    }
    return SLICE("");
}
