/* RequestAuthentications for one workload or Gateway: one filter jwt, which has the rules of all of
 * them, because a token need be good by one rule only. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"
#include "policies/compile/policy_scope.h"
#include "policies/compile/request_auth.h"
#include "policies/kinds/namespace.h"

struct request_auth {
    struct compile *c;
    struct slice id; /* "RequestAuthentication/shop:api+shop:web" */
    const struct request_authentication **policies;
    size_t policy_count;
    struct jwt_provider_spec *providers;
    size_t count;
    struct slice broken; /* why it cannot be used; empty: it can */
};

/* ---- which ---- */

static void add(struct request_auth *r, const struct request_authentication *o)
{
    struct compile *c = r->c;
    r->policies = compile_build_grow(c, r->policies, r->policy_count, sizeof *r->policies);
    r->policies[r->policy_count++] = o;
    r->id = arena_printf(c->arena, "%.*s%s%.*s:%.*s",
                         SLICE_ARG(r->id.len ? r->id : SLICE(FILTER_OWNER_REQUEST_AUTH)),
                         r->id.len ? "+" : "/", SLICE_ARG(o->object.meta.namespace_name),
                         SLICE_ARG(o->object.meta.name));
}

static void collect(struct request_auth *r, struct slice namespace_name,
                    struct policy_scope *scope)
{
    const struct object_list *all =
        policy_index_group(r->c->set, POLICY_GROUP_REQUEST_AUTH, namespace_name, SLICE(""));
    for (size_t i = 0; i < all->count; i++) {
        const struct request_authentication *o =
            POLICY_AT(all, struct request_authentication, i);
        if (policy_scope_has(scope, &o->object, o->spec.selector, &o->spec.targets, true))
            add(r, o);
    }
}

/* ---- what they say ---- */

static void join(struct request_auth *r, const struct request_authentication *o)
{
    struct compile *c = r->c;
    struct jwt_spec spec = request_authentication_jwt(c->arena, &o->spec);
    const struct jwt_spec *filled = compile_chain_filled(c, &filter_jwt, &spec, &o->object);
    for (SCHEMA_EACH(filled->providers, struct jwt_provider_spec, p)) {
        r->providers = compile_build_grow(c, r->providers, r->count, sizeof *r->providers);
        r->providers[r->count++] = *p;
    }
}

static void take(struct request_auth *r, const struct request_authentication *o)
{
    struct slice why;
    if (o->object.is_closed) {
        r->broken = arena_printf(r->c->arena, "%.*s cannot be read", SLICE_ARG(o->object.text));
    } else if (request_auth_check(r->c->set, o, r->c->arena, &why)) {
        compile_build_note(r->c, &o->object, 0, "spec", FINDING_FILTER_REFERENCE,
                           "%.*s: answered 500", SLICE_ARG(why));
        r->broken = why;
    } else if (r->count + o->spec.rules.count > JWT_PROVIDERS_MAX) {
        compile_build_note(r->c, &o->object, 0, "spec.jwtRules", FINDING_TOKEN_RULES,
                           "with it, more than %d rules are for one workload: answered 500",
                           JWT_PROVIDERS_MAX);
        r->broken = SLICE("there are too many rules of RequestAuthentications");
    } else {
        join(r, o);
    }
}

/* It is the same for each port. */
static char *find(struct request_auth *r)
{
    static const char *const types[] = {"jwt", "broken"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char *name = compile_build_format(r->c, "filter/%.*s/%s", SLICE_ARG(r->id), types[i]);
        if (map_get(&r->c->filters, slice_from_cstr(name)))
            return name;
    }
    return NULL;
}

char *compile_request_auth_filter(struct compile *c, struct policy_scope *scope)
{
    struct request_auth r = {.c = c};
    if (!slice_eq_cstr(scope->namespace_name, NAMESPACE_ROOT))
        collect(&r, SLICE(NAMESPACE_ROOT), scope);
    collect(&r, scope->namespace_name, scope);
    char *there = r.policy_count ? find(&r) : NULL;
    if (there || !r.policy_count)
        return there;
    for (size_t i = 0; i < r.policy_count; i++)
        take(&r, r.policies[i]);
    if (r.broken.len)
        return compile_chain_broken(c, r.id, r.broken);
    struct jwt_spec spec = {.is_optional = true,
                            .runs_on_preflight = true,
                            .providers = {r.providers, r.count, true}};
    return compile_chain_filter(c, &filter_jwt, &spec, r.id);
}
