/* Follows parametersRef, and lays the settings of a Gateway over those of its class. Control
 * thread. Must not know what is made of them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/gateway/gateway_parameters.h"

#include "lib/schema/schema_layer.h"
#include "policies/store/policy_index.h"

#define KIND "GatewaySettings"

/* ns: in which it is. NULL, with a sentence: it cannot be used. */
static const struct gateway_settings *follow(const struct policy_set *set, struct slice ns,
                                             const struct gateway_parameters *ref,
                                             struct arena *arena, struct slice *why)
{
    if (!slice_eq_cstr(ref->group, KIND_GROUP_WEFT) || !slice_eq_cstr(ref->kind, KIND)) {
        *why = arena_printf(arena,
                            "kind %.*s of group \"%.*s\" is not known; there is " KIND
                            " of group " KIND_GROUP_WEFT,
                            SLICE_ARG(ref->kind), SLICE_ARG(ref->group));
        return NULL;
    }
    const void *found = policy_index_find(set, KIND_GATEWAY_SETTINGS, ns, ref->name);
    if (!found)
        *why = arena_printf(arena, "there is no " KIND " %.*s/%.*s that can be read",
                            SLICE_ARG(ns), SLICE_ARG(ref->name));
    return found;
}

/* Replicas and autoscaling exclude each other, so whoever says one of them has said both. */
static void lay_over(struct gateway_settings_spec *narrow, const struct gateway_settings_spec *wide)
{
    struct gateway_settings_spec below = *wide;
    if (narrow->replicas != SCHEMA_UNSET)
        below.scaling.max = SCHEMA_UNSET;
    if (narrow->scaling.max != SCHEMA_UNSET)
        below.replicas = SCHEMA_UNSET;
    schema_layer_inherit(&gateway_settings_spec_schema, narrow, &below);
}

static enum err add_class(const struct policy_set *set, const struct gateway_class *class,
                          struct arena *arena, struct gateway_settings_spec *out, struct slice *why)
{
    const struct gateway_parameters *ref = class ? class->spec.parameters : NULL;
    if (!ref)
        return ERR_OK;
    if (!ref->namespace_name.len) {
        *why = SLICE("namespace is missing: " KIND " have one");
        return ERR_INVALID;
    }
    const struct gateway_settings *settings = follow(set, ref->namespace_name, ref, arena, why);
    if (!settings)
        return ERR_INVALID;
    lay_over(out, &settings->spec);
    return ERR_OK;
}

static enum err add_own(const struct policy_set *set, const struct gateway *gateway,
                        struct arena *arena, struct gateway_settings_spec *out, struct slice *why)
{
    const struct gateway_parameters *ref = gateway->spec.infrastructure.parameters;
    if (!ref)
        return ERR_OK;
    struct slice ns = gateway->object.meta.namespace_name;
    const struct gateway_settings *settings = follow(set, ns, ref, arena, why);
    if (!settings)
        return ERR_INVALID;
    *out = settings->spec;
    return ERR_OK;
}

/* What no single object shows to be wrong. */
static enum err complete(struct gateway_settings_spec *s, struct slice *why)
{
    bool has_request = s->resources.requests.cpu != SCHEMA_UNSET;
    schema_layer_settle(&gateway_settings_spec_schema, s);
    if (s->scaling.max == SCHEMA_UNSET)
        return ERR_OK;
    if (s->scaling.min > s->scaling.max) {
        *why = SLICE("autoscaling: minReplicas is more than maxReplicas");
        return ERR_INVALID;
    }
    if (gateway_settings_cpu_percent(&s->scaling) && !has_request) {
        *why = SLICE("autoscaling: targetCPU is a share of resources.requests.cpu, which nobody "
                     "says");
        return ERR_INVALID;
    }
    return ERR_OK;
}

static struct gateway_settings_spec *begin(struct arena *arena)
{
    struct gateway_settings_spec *s = arena_alloc(arena, sizeof(*s));
    schema_layer_clear(&gateway_settings_spec_schema, s);
    return s;
}

static const struct gateway_settings_spec *
end(const struct gateway_settings_spec *s, enum err e, struct arena *arena, const char *where,
    struct slice cause, struct slice *why)
{
    if (e)
        *why = arena_printf(arena, "%s: %.*s", where, SLICE_ARG(cause));
    return e ? NULL : s;
}

const struct gateway_settings_spec *
gateway_parameters_find(const struct policy_set *set, const struct gateway_class *class,
                        const struct gateway *gateway, struct arena *arena, struct slice *why)
{
    struct gateway_settings_spec *s = begin(arena);
    struct slice cause = {0};
    const char *where = "infrastructure.parametersRef";
    enum err e = add_own(set, gateway, arena, s, &cause);
    if (!e) {
        e = add_class(set, class, arena, s, &cause);
        if (e)
            where = "parametersRef of the GatewayClass";
    }
    if (!e)
        e = complete(s, &cause);
    return end(s, e, arena, where, cause, why);
}

const struct gateway_settings_spec *
gateway_parameters_of_class(const struct policy_set *set, const struct gateway_class *class,
                            struct arena *arena, struct slice *why)
{
    struct gateway_settings_spec *s = begin(arena);
    struct slice cause = {0};
    enum err e = add_class(set, class, arena, s, &cause);
    if (!e)
        e = complete(s, &cause);
    return end(s, e, arena, "parametersRef", cause, why);
}
