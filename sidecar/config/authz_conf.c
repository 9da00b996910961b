/* Compiling authorization policies.
 * Control thread. Must not know how they are evaluated.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/authz_conf.h"

#include "lib/base/mem.h"
#include "lib/codec/http/normalize.h"
#include "sidecar/config/authz_when_conf.h"
#include "sidecar/config/match_conf.h"

typedef Weft__Config__V1__StringMatch *const *pb_matches;

/* ---- lists ---- */

static enum err take_strings(const struct part_build *b, pb_matches from, size_t count,
                             struct authz_strings *to)
{
    to->count = (uint32_t)count;
    return match_conf_strings(b, from, count, &to->items);
}

/* Host names know no case. */
static enum err take_hosts(const struct part_build *b, pb_matches from, size_t count,
                           struct authz_strings *to)
{
    struct string_match *items = part_array(b->part, count, sizeof(*items));
    *to = (struct authz_strings){items, (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        Weft__Config__V1__StringMatch copy = *from[i];
        copy.ignore_case = true;
        enum err e = match_conf_string(b, &copy, &items[i]);
        if (e)
            return e;
    }
    return ERR_OK;
}

static bool is_canonical(struct part *p, const struct string_match *m)
{
    if (m->kind != MATCH_EXACT && m->kind != MATCH_PREFIX && m->kind != MATCH_PATH_PREFIX)
        return true;
    return slice_eq(normalize_path(&p->arena, m->text), m->text);
}

static enum err take_paths(const struct part_build *b, pb_matches from, size_t count,
                           struct authz_strings *to)
{
    enum err e = take_strings(b, from, count, to);
    for (uint32_t i = 0; i < to->count && !e; i++) {
        if (!is_canonical(b->part, &to->items[i]))
            e = part_refuse(b,
                            "path \"%.*s\" would never match: it must begin with / and have no "
                            "escapes, no ;, no // and no dot segments",
                            SLICE_ARG(to->items[i].text));
    }
    return e;
}

enum err authz_conf_cidr(const struct part_build *b, const char *text, struct cidr *to)
{
    if (cidr_parse(slice_from_cstr(text), to))
        return part_refuse(b, "\"%s\" is not an address or a prefix without host bits", text);
    return ERR_OK;
}

static enum err take_cidrs(const struct part_build *b, Weft__Config__V1__Cidr *const *from,
                           size_t count, struct authz_cidrs *to)
{
    struct cidr *items = part_array(b->part, count, sizeof(*items));
    *to = (struct authz_cidrs){items, (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        enum err e = authz_conf_cidr(b, from[i]->text, &items[i]);
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err take_ports(const struct part_build *b, const uint32_t *from, size_t count,
                           struct authz_ports *to)
{
    uint16_t *items = part_array(b->part, count, sizeof(*items));
    *to = (struct authz_ports){items, (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        if (from[i] == 0 || from[i] > UINT16_MAX)
            return part_refuse(b, "%u is not a port", from[i]);
        items[i] = (uint16_t)from[i];
    }
    return ERR_OK;
}

/* ---- from, to ---- */

static enum err take_source(const struct part_build *b, const Weft__Config__V1__AuthzSource *from,
                            struct authz_source *to)
{
    enum err e = take_strings(b, from->principals, from->n_principals, &to->principals);
    if (!e)
        e = take_strings(b, from->not_principals, from->n_not_principals, &to->not_principals);
    if (!e)
        e = take_strings(b, from->namespaces, from->n_namespaces, &to->namespaces);
    if (!e)
        e = take_strings(b, from->not_namespaces, from->n_not_namespaces, &to->not_namespaces);
    if (!e)
        e = take_cidrs(b, from->ip_blocks, from->n_ip_blocks, &to->ip_blocks);
    if (!e)
        e = take_cidrs(b, from->not_ip_blocks, from->n_not_ip_blocks, &to->not_ip_blocks);
    if (!e)
        e = take_cidrs(b, from->remote_ip_blocks, from->n_remote_ip_blocks, &to->remote_ip_blocks);
    if (!e)
        e = take_cidrs(b, from->not_remote_ip_blocks, from->n_not_remote_ip_blocks,
                       &to->not_remote_ip_blocks);
    return e;
}

static enum err take_operation(const struct part_build *b,
                               const Weft__Config__V1__AuthzOperation *from,
                               struct authz_operation *to)
{
    enum err e = take_hosts(b, from->hosts, from->n_hosts, &to->hosts);
    if (!e)
        e = take_hosts(b, from->not_hosts, from->n_not_hosts, &to->not_hosts);
    if (!e)
        e = take_ports(b, from->ports, from->n_ports, &to->ports);
    if (!e)
        e = take_ports(b, from->not_ports, from->n_not_ports, &to->not_ports);
    if (!e)
        e = take_strings(b, from->methods, from->n_methods, &to->methods);
    if (!e)
        e = take_strings(b, from->not_methods, from->n_not_methods, &to->not_methods);
    if (!e)
        e = take_paths(b, from->paths, from->n_paths, &to->paths);
    if (!e)
        e = take_paths(b, from->not_paths, from->n_not_paths, &to->not_paths);
    return e;
}

/* ---- rules and policies ---- */

static enum err take_rule(const struct part_build *b, const Weft__Config__V1__AuthzRule *from,
                          struct authz_rule *to)
{
    struct authz_source *sources = part_array(b->part, from->n_from, sizeof(*sources));
    struct authz_operation *operations = part_array(b->part, from->n_to, sizeof(*operations));
    struct authz_condition *conditions = part_array(b->part, from->n_when, sizeof(*conditions));
    enum err e = ERR_OK;
    for (size_t i = 0; i < from->n_from && !e; i++)
        e = take_source(b, from->from[i], &sources[i]);
    for (size_t i = 0; i < from->n_to && !e; i++)
        e = take_operation(b, from->to[i], &operations[i]);
    for (size_t i = 0; i < from->n_when && !e; i++)
        e = authz_when_conf_take(b, from->when[i], &conditions[i]);
    to->sources = sources;
    to->operations = operations;
    to->conditions = conditions;
    to->source_count = (uint32_t)from->n_from;
    to->operation_count = (uint32_t)from->n_to;
    to->condition_count = (uint32_t)from->n_when;
    return e;
}

static enum err take_policy(const struct part_build *b, const Weft__Config__V1__AuthzPolicy *from,
                            struct authz_policy *to)
{
    struct authz_rule *rules = part_array(b->part, from->n_rules, sizeof(*rules));
    struct part_build named = *b;
    named.resource = arena_printf(&b->part->arena, "%.*s: AuthorizationPolicy %s",
                                  SLICE_ARG(b->resource), from->name);
    *to = (struct authz_policy){
        .name = part_text(b->part, from->name),
        .action = from->action,
        .rules = rules,
        .rule_count = (uint32_t)from->n_rules,
    };
    if ((unsigned)from->action > WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_AUDIT)
        return part_refuse(&named, "unknown action %d", (int)from->action);
    for (size_t i = 0; i < from->n_rules; i++) {
        rules[i].label = arena_printf(&b->part->arena, "%s rule %zu", from->name, i + 1);
        enum err e = take_rule(&named, from->rules[i], &rules[i]);
        if (e)
            return e;
    }
    return ERR_OK;
}

static void note_headers(struct part *p, const struct authz_policy *policy, struct header_set *to)
{
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct authz_rule *rule = &policy->rules[i];
        for (uint32_t j = 0; j < rule->condition_count; j++)
            if (rule->conditions[j].key == AUTHZ_KEY_HEADER)
                header_set_add(to, p, rule->conditions[j].header);
    }
}

enum err authz_conf_create(const struct part_build *b,
                           Weft__Config__V1__AuthzPolicy *const *policies, size_t count,
                           const struct authz **out)
{
    struct authz *a = NULL;
    if (count) {
        a = part_array(b->part, 1, sizeof(*a));
        struct authz_policy *items = part_array(b->part, count, sizeof(*items));
        a->policies = items;
        a->count = (uint32_t)count;
        for (size_t i = 0; i < count; i++) {
            enum err e = take_policy(b, policies[i], &items[i]);
            if (e)
                return e;
            note_headers(b->part, &items[i], &a->headers);
            a->has_allow |= items[i].action == WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_ALLOW;
        }
    }
    *out = a;
    return ERR_OK;
}

uint64_t authz_conf_hash(Weft__Config__V1__AuthzPolicy *const *policies, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++) {
        size_t len = weft__config__v1__authz_policy__get_packed_size(policies[i]);
        uint8_t *packed = mem_alloc(len);
        weft__config__v1__authz_policy__pack(policies[i], packed);
        hash = hash * 31 + slice_hash(slice_of(packed, len));
        mem_free(packed);
    }
    return hash;
}
