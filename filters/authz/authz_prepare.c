/* From the specification of authorization to what rules are tested by: patterns taken apart,
 * addresses read, service accounts spelled out. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz.h"
#include "filters/authz/authz_token.h"

#include "filters/ext_auth.h"
#include "lib/codec/http/normalize.h"

/* One policy under way. */
struct build {
    const struct filter_build *b;
    struct slice policy, trust_domain;
};

static enum err refuse(const struct build *p, const char *what, struct slice text, const char *why)
{
    return filter_refuse(p->b, "AuthorizationPolicy %.*s: %s \"%.*s\" %s", SLICE_ARG(p->policy),
                         what, SLICE_ARG(text), why);
}

/* ---- texts ---- */

/* "x", "x*", "*x" or "*". */
static struct string_match match_of(struct slice pattern, bool ignore_case)
{
    struct string_match m = {.ignore_case = ignore_case};
    if (slice_eq_cstr(pattern, "*"))
        m.kind = MATCH_PRESENT;
    else if (slice_ends_with(pattern, SLICE("*")))
        m.kind = MATCH_PREFIX, m.text = slice_sub(pattern, 0, pattern.len - 1);
    else if (slice_starts_with(pattern, SLICE("*")))
        m.kind = MATCH_SUFFIX, m.text = slice_sub(pattern, 1, pattern.len);
    else
        m.kind = MATCH_EXACT, m.text = pattern;
    return m;
}

static struct authz_strings take_patterns(const struct build *p, const struct schema_list *from,
                                          bool ignore_case)
{
    struct string_match *items = arena_alloc(p->b->arena, from->count * sizeof(*items));
    struct authz_strings to = {.items = items};
    for (SCHEMA_EACH(*from, struct slice, pattern))
        items[to.count++] = match_of(*pattern, ignore_case);
    return to;
}

/* "web" or "shop/web" as an exact principal. */
static struct string_match match_account(const struct build *p, struct slice account)
{
    size_t slash = slice_find_byte(account, '/');
    bool is_named = slash < account.len;
    struct slice ns = is_named ? slice_sub(account, 0, slash)
                               : slice_sub(p->policy, 0, slice_find_byte(p->policy, '/'));
    struct slice name = is_named ? slice_sub(account, slash + 1, account.len) : account;
    return (struct string_match){
        .kind = MATCH_EXACT,
        .text = arena_printf(p->b->arena, "%.*s/ns/%.*s/sa/%.*s", SLICE_ARG(p->trust_domain),
                             SLICE_ARG(ns), SLICE_ARG(name))};
}

static struct authz_strings take_principals(const struct build *p, const struct schema_list *from,
                                            const struct schema_list *accounts)
{
    struct string_match *items =
        arena_alloc(p->b->arena, (from->count + accounts->count) * sizeof(*items));
    struct authz_strings to = {.items = items};
    for (SCHEMA_EACH(*from, struct slice, pattern))
        items[to.count++] = match_of(*pattern, false);
    for (SCHEMA_EACH(*accounts, struct slice, account))
        items[to.count++] = match_account(p, *account);
    return to;
}

/* Rules see paths in their canonical form: another one would never match. */
static enum err take_paths(const struct build *p, const struct schema_list *from,
                           struct authz_strings *to)
{
    *to = take_patterns(p, from, false);
    for (uint32_t i = 0; i < to->count; i++) {
        const struct string_match *m = &to->items[i];
        bool begins = m->kind == MATCH_EXACT || m->kind == MATCH_PREFIX;
        if (begins && !slice_eq(normalize_path(p->b->arena, m->text), m->text))
            return refuse(p, "path", m->text,
                          "would never match: it must begin with / and have no escapes, no ;, no "
                          "// and no dot segments");
    }
    return ERR_OK;
}

/* ---- addresses and ports ---- */

static enum err take_cidrs(const struct build *p, const struct schema_list *from,
                           struct authz_cidrs *to)
{
    struct cidr *items = arena_alloc(p->b->arena, from->count * sizeof(*items));
    *to = (struct authz_cidrs){.items = items};
    for (SCHEMA_EACH(*from, struct slice, text))
        if (cidr_parse(*text, &items[to->count++]))
            return refuse(p, "", *text, "is not an address or a prefix without host bits");
    return ERR_OK;
}

static struct authz_ports take_ports(const struct build *p, const struct schema_list *from)
{
    uint16_t *items = arena_alloc(p->b->arena, from->count * sizeof(*items));
    struct authz_ports to = {.items = items};
    for (SCHEMA_EACH(*from, int64_t, port))
        items[to.count++] = (uint16_t)*port;
    return to;
}

static enum err take_port_texts(const struct build *p, const struct schema_list *from,
                                struct authz_ports *to)
{
    uint16_t *items = arena_alloc(p->b->arena, from->count * sizeof(*items));
    *to = (struct authz_ports){.items = items};
    for (SCHEMA_EACH(*from, struct slice, text)) {
        uint64_t port;
        if (slice_to_u64(*text, &port) || port == 0 || port > UINT16_MAX)
            return refuse(p, "", *text, "is not a port");
        items[to->count++] = (uint16_t)port;
    }
    return ERR_OK;
}

/* ---- from, to, when ---- */

static enum err take_source(const struct build *p, const struct authz_source_spec *from,
                            struct authz_source *to)
{
    to->principals = take_principals(p, &from->principals, &from->service_accounts);
    to->not_principals = take_principals(p, &from->not_principals, &from->not_service_accounts);
    to->request_principals = take_patterns(p, &from->request_principals, false);
    to->not_request_principals = take_patterns(p, &from->not_request_principals, false);
    to->namespaces = take_patterns(p, &from->namespaces, false);
    to->not_namespaces = take_patterns(p, &from->not_namespaces, false);
    enum err e = take_cidrs(p, &from->ip_blocks, &to->ip_blocks);
    if (!e)
        e = take_cidrs(p, &from->not_ip_blocks, &to->not_ip_blocks);
    if (!e)
        e = take_cidrs(p, &from->remote_ip_blocks, &to->remote_ip_blocks);
    return e ? e : take_cidrs(p, &from->not_remote_ip_blocks, &to->not_remote_ip_blocks);
}

/* Host names know no case. */
static enum err take_operation(const struct build *p, const struct authz_operation_spec *from,
                               struct authz_operation *to)
{
    to->hosts = take_patterns(p, &from->hosts, true);
    to->not_hosts = take_patterns(p, &from->not_hosts, true);
    to->ports = take_ports(p, &from->ports);
    to->not_ports = take_ports(p, &from->not_ports);
    to->methods = take_patterns(p, &from->methods, false);
    to->not_methods = take_patterns(p, &from->not_methods, false);
    enum err e = take_paths(p, &from->paths, &to->paths);
    return e ? e : take_paths(p, &from->not_paths, &to->not_paths);
}

static enum err take_key(const struct build *p, struct slice key, struct authz_condition *to)
{
    static const struct {
        const char *name;
        enum authz_key key;
    } keys[] = {
        {"source.ip", AUTHZ_KEY_SOURCE_IP},
        {"remote.ip", AUTHZ_KEY_REMOTE_IP},
        {"source.namespace", AUTHZ_KEY_SOURCE_NAMESPACE},
        {"source.principal", AUTHZ_KEY_SOURCE_PRINCIPAL},
        {"destination.ip", AUTHZ_KEY_DESTINATION_IP},
        {"destination.port", AUTHZ_KEY_DESTINATION_PORT},
        {"connection.sni", AUTHZ_KEY_SNI},
        {"request.auth.principal", AUTHZ_KEY_TOKEN_PRINCIPAL},
        {"request.auth.audiences", AUTHZ_KEY_TOKEN_AUDIENCES},
        {"request.auth.presenter", AUTHZ_KEY_TOKEN_PRESENTER},
    };
    struct slice open = SLICE("request.headers[");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (slice_eq_cstr(key, keys[i].name)) {
            to->key = keys[i].key;
            return ERR_OK;
        }
    }
    if (authz_token_path(key, p->b->arena, &to->claim)) {
        to->key = AUTHZ_KEY_TOKEN_CLAIM;
        return ERR_OK;
    }
    if (!slice_starts_with(key, open) || !slice_ends_with(key, SLICE("]")))
        return refuse(p, "condition", key, "is not known");
    to->key = AUTHZ_KEY_HEADER;
    to->header = arena_copy_lower(p->b->arena, slice_sub(key, open.len, key.len - open.len - 1));
    return ERR_OK;
}

static enum err take_condition(const struct build *p, const struct authz_when_spec *from,
                               struct authz_condition *to)
{
    enum err e = take_key(p, from->key, to);
    if (e)
        return e;
    switch (to->key) {
    case AUTHZ_KEY_SOURCE_IP:
    case AUTHZ_KEY_REMOTE_IP:
    case AUTHZ_KEY_DESTINATION_IP:
        e = take_cidrs(p, &from->values, &to->ips);
        return e ? e : take_cidrs(p, &from->not_values, &to->not_ips);
    case AUTHZ_KEY_DESTINATION_PORT:
        e = take_port_texts(p, &from->values, &to->ports);
        return e ? e : take_port_texts(p, &from->not_values, &to->not_ports);
    case AUTHZ_KEY_HEADER:
    case AUTHZ_KEY_SOURCE_NAMESPACE:
    case AUTHZ_KEY_SOURCE_PRINCIPAL:
    case AUTHZ_KEY_SNI:
    case AUTHZ_KEY_TOKEN_PRINCIPAL:
    case AUTHZ_KEY_TOKEN_AUDIENCES:
    case AUTHZ_KEY_TOKEN_PRESENTER:
    case AUTHZ_KEY_TOKEN_CLAIM:
        to->values = take_patterns(p, &from->values, false);
        to->not_values = take_patterns(p, &from->not_values, false);
        break;
    }
    return ERR_OK;
}

/* ---- rules and policies ---- */

static bool asks_token(const struct authz_rule *r)
{
    for (uint32_t i = 0; i < r->source_count; i++)
        if (r->sources[i].request_principals.count || r->sources[i].not_request_principals.count)
            return true;
    for (uint32_t i = 0; i < r->condition_count; i++)
        if (r->conditions[i].key >= AUTHZ_KEY_TOKEN_PRINCIPAL)
            return true;
    return false;
}

static enum err take_rule(const struct build *p, const struct authz_rule_spec *from,
                          struct authz_rule *to)
{
    struct arena *arena = p->b->arena;
    struct authz_source *sources = arena_zalloc(arena, from->from.count * sizeof(*sources));
    struct authz_operation *operations = arena_zalloc(arena, from->to.count * sizeof(*operations));
    struct authz_condition *conditions =
        arena_zalloc(arena, from->when.count * sizeof(*conditions));
    enum err e = ERR_OK;
    to->sources = sources;
    to->operations = operations;
    to->conditions = conditions;
    for (SCHEMA_EACH(from->from, struct authz_from_spec, f))
        e = e ? e : take_source(p, &f->source, &sources[to->source_count++]);
    for (SCHEMA_EACH(from->to, struct authz_to_spec, t))
        e = e ? e : take_operation(p, &t->operation, &operations[to->operation_count++]);
    for (SCHEMA_EACH(from->when, struct authz_when_spec, w))
        e = e ? e : take_condition(p, w, &conditions[to->condition_count++]);
    to->asks_token = asks_token(to);
    return e;
}

static enum err take_policy(const struct build *p, const struct authz_policy_spec *from,
                            struct authz_policy *to)
{
    struct authz_rule *rules = arena_zalloc(p->b->arena, from->rules.count * sizeof(*rules));
    *to = (struct authz_policy){
        .name = from->name, .action = (enum authz_action)from->action, .rules = rules};
    for (SCHEMA_EACH(from->rules, struct authz_rule_spec, rule)) {
        struct authz_rule *r = &rules[to->rule_count++];
        r->label = arena_printf(p->b->arena, "%.*s rule %u", SLICE_ARG(from->name),
                                (unsigned)to->rule_count);
        enum err e = take_rule(p, rule, r);
        if (e)
            return e;
    }
    return ERR_OK;
}

static void note_tokens(const struct authz_policy *policy, struct authz *to)
{
    bool asks = false;
    for (uint32_t i = 0; i < policy->rule_count; i++)
        asks |= policy->rules[i].asks_token;
    to->asks_token |= asks;
    if (policy->action == AUTHZ_CUSTOM)
        to->providers[policy->provider].asks_token |= asks;
}

static void note_headers(struct arena *arena, const struct authz_policy *policy,
                         struct header_set *to)
{
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct authz_rule *rule = &policy->rules[i];
        for (uint32_t j = 0; j < rule->condition_count; j++)
            if (rule->conditions[j].key == AUTHZ_KEY_HEADER)
                header_set_add(to, arena, rule->conditions[j].header);
    }
}

/* Two policies that name one provider mean the same. */
static enum err take_provider(const struct filter_build *b, struct authz *to,
                              const struct authz_policy_spec *from, struct authz_policy *policy)
{
    struct authz_provider *all = to->providers;
    uint32_t at = 0;
    while (at < to->provider_count && !slice_eq(all[at].name, from->provider_name))
        at++;
    policy->provider = at;
    if (at < to->provider_count)
        return ERR_OK;
    all[to->provider_count++].name = from->provider_name;
    if (!from->provider)
        return ERR_OK;
    struct ext_auth *asks = arena_zalloc(b->arena, sizeof(*asks));
    all[at].asks = asks;
    return ext_auth_prepare(b, from->provider, asks);
}

enum err authz_prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct authz_spec *from = spec;
    struct authz *to = conf;
    struct authz_policy *policies =
        arena_zalloc(b->arena, from->policies.count * sizeof(*policies));
    to->policies = policies;
    to->tokens_later = from->tokens_later;
    to->providers = arena_zalloc(b->arena, from->policies.count * sizeof(*to->providers));
    for (SCHEMA_EACH(from->policies, struct authz_policy_spec, policy)) {
        struct build p = {b, policy->name, from->trust_domain};
        struct authz_policy *made = &policies[to->count++];
        enum err e = take_policy(&p, policy, made);
        if (!e && made->action == AUTHZ_CUSTOM)
            e = take_provider(b, to, policy, made);
        if (e)
            return e;
        note_headers(b->arena, made, &to->headers);
        note_tokens(made, to);
        to->has_allow |= made->action == AUTHZ_ALLOW;
    }
    return ERR_OK;
}

const struct authz *authz_late(struct arena *arena, const struct authz *a)
{
    if (!a || !a->tokens_later || !a->asks_token)
        return NULL;
    struct authz *late = arena_alloc(arena, sizeof(*late));
    *late = *a;
    late->is_late = true;
    return late;
}
