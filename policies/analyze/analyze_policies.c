/* Policies that do nothing, or more than was meant: selectors that match nobody, sections that are
 * not there, ports that an ALLOW shuts, rules about HTTP where none is spoken. Control thread. Must
 * not know how a policy is evaluated: which are for a workload, the compiler says.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/analyze/analyze_priv.h"
#include "policies/compile/audience.h"
#include "policies/compile/policy_scope.h"
#include "policies/compile/compile_priv.h"
#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/peer_authentication.h"
#include "policies/kinds/traffic_policy.h"
#include "policies/compile/protocol.h"
#include "policies/kinds/selector.h"

enum { PORTS_MAX = 64 };

/* ---- targets ---- */

static bool has_port(const struct object *service, struct slice name)
{
    const struct service *s = (const void *)service;
    for (SCHEMA_EACH(s->spec.ports, struct service_port, p))
        if (slice_eq(p->name, name))
            return true;
    return false;
}

static bool has_rule(const struct object *route, struct slice name)
{
    const struct route *r = (const void *)route;
    for (SCHEMA_EACH(r->spec.rules, struct http_route_rule, rule))
        if (slice_eq(rule->name, name))
            return true;
    return false;
}

static void judge_target(struct analyze *a, const struct traffic_policy *p,
                         const struct policy_target *t)
{
    enum kind_id kind = traffic_policy_target_kind(t);
    bool is_service = kind == KIND_SERVICE || kind == KIND_EXTERNAL_SERVICE;
    struct slice ns = p->object.meta.namespace_name;
    const struct object *o = policy_index_find(a->set, kind, ns, t->name);
    if (!o || !t->section.len || (is_service ? has_port(o, t->section) : has_rule(o, t->section)))
        return;
    analyze_say(a, FINDING_TARGET_MISSING, &p->object, t->line, "spec.targetRefs",
                "%.*s %.*s/%.*s has no %s named %.*s: the policy does nothing for it",
                SLICE_ARG(t->kind), SLICE_ARG(ns), SLICE_ARG(t->name),
                is_service ? "port" : "rule", SLICE_ARG(t->section));
}

void analyze_target_sections(struct analyze *a)
{
    const struct object_list *all = &a->set->all[KIND_TRAFFIC_POLICY];
    for (size_t i = 0; i < all->count; i++) {
        const struct traffic_policy *p = POLICY_AT(all, struct traffic_policy, i);
        for (SCHEMA_EACH(p->spec.targets, struct policy_target, t))
            judge_target(a, p, t);
    }
}

/* ---- selectors ---- */

static void judge_selector(struct analyze *a, const struct object *policy)
{
    const struct selector *selector = audience_selector(policy);
    if (audience_is_empty(a->set, policy, selector))
        analyze_say(a, FINDING_SELECTOR_NOBODY, policy, 0, "spec.selector", "%.*s",
                    SLICE_ARG(audience_explain(&a->arena, a->set, policy, selector)));
}

void analyze_selectors(struct analyze *a)
{
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        for (size_t i = 0; i < a->set->all[kind].count; i++)
            judge_selector(a, a->set->all[kind].items[i]);
}

/* ---- ports that nobody may call ---- */

struct ports {
    uint32_t items[PORTS_MAX];
    size_t count;
    bool is_any; /* some rule allows whatever port */
};

static void add_rule(struct ports *to, const struct authz_rule_spec *rule)
{
    to->is_any |= rule->to.count == 0;
    for (SCHEMA_EACH(rule->to, struct authz_to_spec, t)) {
        const struct schema_list *ports = &t->operation.ports;
        to->is_any |= ports->count == 0 || to->count + ports->count > PORTS_MAX;
        for (size_t j = 0; !to->is_any && j < ports->count; j++)
            to->items[to->count++] = (uint32_t)*SCHEMA_AT(*ports, int64_t, j);
    }
}

static bool allows(const struct ports *p, int64_t port)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i] == (uint32_t)port)
            return true;
    return p->is_any;
}

/* "namespace/name" back to the policy. */
static const struct object *find_policy(struct analyze *a, struct slice text)
{
    size_t slash = slice_find_byte(text, '/');
    return policy_index_find(a->set, KIND_AUTHORIZATION_POLICY, slice_sub(text, 0, slash),
                             slice_sub(text, slash + 1, text.len));
}

static void judge_pod(struct analyze *a, struct compile *c, const struct pod *pod, struct map *told)
{
    struct ports open = {0};
    const struct object *first = NULL;
    struct policy_scope scope = {.namespace_name = pod->object.meta.namespace_name,
                                 .labels = &pod->object.meta.labels};
    struct schema_list all = compile_authz_list(c, &scope);
    for (SCHEMA_EACH(all, struct authz_policy_spec, policy)) {
        if (policy->action != AUTHZ_ALLOW || !policy->rules.count)
            continue;
        first = first ? first : find_policy(a, policy->name);
        for (SCHEMA_EACH(policy->rules, struct authz_rule_spec, rule))
            add_rule(&open, rule);
    }
    for (SCHEMA_EACH(pod->spec.containers, struct pod_container, container))
        for (SCHEMA_EACH(container->ports, struct pod_port, port)) {
            struct slice key = arena_printf(&a->arena, "%.*s %d",
                                            SLICE_ARG(first ? first->text : SLICE("")),
                                            (int)port->port);
            if (!first || port->protocol != SERVICE_TCP || allows(&open, port->port) ||
                map_put(told, key, a))
                continue;
            analyze_say(a, FINDING_PORT_SHUT, first, 0, "spec.rules",
                        "the ALLOW policies of %.*s name ports, and %d is not among them: it is "
                        "denied to everybody",
                        SLICE_ARG(pod->object.text), (int)port->port);
        }
}

void analyze_ports_shut(struct analyze *a)
{
    const struct object_list *pods = &a->set->all[KIND_POD];
    struct map told;
    struct arena scratch;
    map_init(&told);
    arena_init(&scratch, 8192);
    for (size_t i = 0; a->set->all[KIND_AUTHORIZATION_POLICY].count && i < pods->count; i++) {
        const struct pod *pod = POLICY_AT(pods, struct pod, i);
        struct compile c = {
            .arena = &scratch, .set = a->set, .trust_domain = SLICE("cluster.local")};
        if (!pod_is_done(pod) && !analyze_is_system(&pod->object))
            judge_pod(a, &c, pod, &told);
        arena_reset(&scratch);
    }
    arena_dispose(&scratch);
    map_dispose(&told);
}

/* ---- HTTP where none is spoken ---- */

static bool is_about_http(const struct authz_operation_spec *op)
{
    return op->paths.count || op->not_paths.count || op->methods.count || op->not_methods.count ||
           op->hosts.count || op->not_hosts.count;
}

/* The pods that the policy is for may be this Service's. */
static bool may_concern(const struct authorization_policy *p, const struct service *s)
{
    return slice_eq(p->object.meta.namespace_name, s->object.meta.namespace_name) &&
           (!p->spec.selector ||
            selector_is_subset(&p->spec.selector->match_labels, &s->spec.selector));
}

static int64_t target_of(const struct service_port *port)
{
    return port->target.number ? port->target.number : port->target.name.len ? 0 : port->port;
}

/* The Service that declares the port not to be HTTP; NULL: none. */
static const struct service *find_opaque(struct analyze *a, const struct authorization_policy *p,
                                         int64_t port)
{
    const struct object_list *services = policy_index_group(
        a->set, POLICY_GROUP_SERVICES, p->object.meta.namespace_name, SLICE(""));
    for (size_t i = 0; i < services->count; i++) {
        const struct service *s = POLICY_AT(services, struct service, i);
        for (SCHEMA_EACH(s->spec.ports, struct service_port, sp)) {
            struct protocol_hints hints = {
                sp->app_protocol, sp->name,
                selector_label(&s->object.meta.annotations, SLICE(PROTOCOL_OPAQUE_ANNOTATION))};
            if (target_of(sp) == port && may_concern(p, s) &&
                !protocol_may_be_http(protocol_of_port(&hints, (uint16_t)sp->port)))
                return s;
        }
    }
    return NULL;
}

static void judge_operation(struct analyze *a, const struct authorization_policy *p, size_t rule,
                            const struct authz_operation_spec *op)
{
    for (SCHEMA_EACH(op->ports, int64_t, port)) {
        const struct service *s = is_about_http(op) ? find_opaque(a, p, *port) : NULL;
        if (s)
            analyze_say(a, FINDING_RULE_NOT_HTTP, &p->object, 0, "spec.rules",
                        "rule %zu is about HTTP, and %.*s declares port %d not to speak it: %s",
                        rule, SLICE_ARG(s->object.text), (int)*port,
                        p->spec.action == AUTHORIZATION_POLICY_DENY
                            ? "whatever its other conditions match is denied there"
                            : "it never matches there");
    }
}

void analyze_rules_not_http(struct analyze *a)
{
    const struct object_list *all = &a->set->all[KIND_AUTHORIZATION_POLICY];
    for (size_t i = 0; i < all->count; i++) {
        const struct authorization_policy *p = POLICY_AT(all, struct authorization_policy, i);
        for (size_t r = 0; r < p->spec.rules.count && !p->spec.targets.present; r++) {
            const struct authz_rule_spec *rule =
                SCHEMA_AT(p->spec.rules, struct authz_rule_spec, r);
            for (SCHEMA_EACH(rule->to, struct authz_to_spec, t))
                judge_operation(a, p, r, &t->operation);
        }
    }
}

/* ---- paths that a slash escapes ---- */

struct open_path {
    struct analyze *a;
    const struct object *policy;
};

static void tell_path(void *owner, struct slice path)
{
    struct open_path *o = owner;
    analyze_say(o->a, FINDING_PATH_SLASH, o->policy, 0, "spec.rules",
                AUTHORIZATION_POLICY_OPEN_PATH, SLICE_ARG(path), SLICE_ARG(path));
}

/* Whoever reads a folder has said so already; a store keeps no remarks. */
void analyze_paths(struct analyze *a)
{
    const struct object_list *all = &a->set->all[KIND_AUTHORIZATION_POLICY];
    for (size_t i = 0; a->in->store && i < all->count; i++) {
        const struct authorization_policy *p = POLICY_AT(all, struct authorization_policy, i);
        struct open_path o = {a, &p->object};
        authorization_policy_each_open_path(&p->spec, tell_path, &o);
    }
}
