/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/request_auth.h"

/* Where the filter has what a rule calls jwksUri. */
#define AS_FILTER "providers[0].jwks.remote"

enum material_fault request_auth_check(const struct policy_set *set,
                                       const struct request_authentication *o, struct arena *arena,
                                       struct slice *why)
{
    struct request_authentication_spec one = o->spec;
    for (size_t i = 0; i < o->spec.rules.count; i++) {
        one.rules.items =
            (void *)(uintptr_t)SCHEMA_AT(o->spec.rules, struct request_authentication_rule, i);
        one.rules.count = 1;
        struct jwt_spec spec = request_authentication_jwt(arena, &one);
        enum material_fault fault =
            material_check(set, &o->object, &jwt_schema, &spec, arena, why);
        if (fault) {
            *why = arena_printf(arena, "jwtRules[%zu].jwksUri%.*s", i,
                                SLICE_ARG(slice_sub(*why, sizeof AS_FILTER - 1, why->len)));
            return fault;
        }
    }
    return MATERIAL_OK;
}
