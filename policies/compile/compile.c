/* One data plane's configuration out of a policy set: what is in it, and in which order. Control
 * thread. Must not know how any single message comes about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile.h"

#include "lib/base/mem.h"
#include "policies/compile/compile_priv.h"
#include "policies/kinds/namespace.h"
#include "policies/kinds/node.h"
#include "policies/kinds/selector.h"

enum { ARENA_BLOCK = 32768 };

/* What compile_free gets the first member of. */
struct result {
    PB(Configuration) message;
    struct arena arena;
    unsigned locality;
};

static void find_self(struct compile *c)
{
    const struct compile_target *t = &c->target;
    const struct object *pod = NULL;
    if (t->workload.len)
        pod = policy_index_find(c->set, KIND_POD, t->namespace_name, t->workload);
    c->self = (const struct pod *)(const void *)pod;
    if (!c->self && t->pod_ip.len)
        c->self = policy_addresses_pod(c->set, t->pod_ip);
    /* An address alone must not lend a workload the labels of another namespace. */
    if (c->self && !slice_eq(c->self->object.meta.namespace_name, t->namespace_name))
        c->self = NULL;
}

static struct slice zone_of(const struct policy_set *set, struct slice node)
{
    const struct object *o = node.len ? policy_index_find(set, KIND_NODE, SLICE(""), node) : NULL;
    return o ? selector_label(&o->meta.labels, SLICE(NODE_ZONE_LABEL)) : SLICE("");
}

void compile_find_locality(const struct policy_set *set, struct slice namespace_name,
                           struct slice pod, struct slice *node, struct slice *zone)
{
    const struct object *o = policy_index_find(set, KIND_POD, namespace_name, pod);
    *node = o ? ((const struct pod *)(const void *)o)->spec.node : SLICE("");
    *zone = zone_of(set, *node);
}

static void find_locality(struct compile *c)
{
    c->node = c->target.node;
    c->zone = c->target.zone;
    if (c->node.len || c->zone.len || !c->self)
        return;
    c->node = c->self->spec.node;
    c->zone = zone_of(c->set, c->node);
}

/* What a data plane was started with is what its certificates say, so it counts. */
static void choose_trust_domain(struct compile *c)
{
    struct slice said = c->mesh ? c->mesh->spec.trust_domain : (struct slice){NULL, 0};
    if (slice_is_empty(c->trust_domain))
        c->trust_domain = said.len ? said : SLICE("cluster.local");
    else if (said.len && !slice_eq(said, c->trust_domain))
        compile_build_note(c, &c->mesh->object, 0, "spec.trustDomain", FINDING_TRUST_DOMAIN,
                           "not in force here: this data plane was started for %.*s",
                           SLICE_ARG(c->trust_domain));
}

static void choose_cluster_domain(struct compile *c)
{
    struct slice said = c->mesh ? c->mesh->spec.cluster_domain : SLICE("");
    c->cluster_domain = said.len                       ? said
                        : c->target.cluster_domain.len ? c->target.cluster_domain
                                                       : SLICE("cluster.local");
}

static PB(AccessLogMode) mode_of(int mode)
{
    static const PB(AccessLogMode) of[] = {
        [MESH_CONFIG_LOG_OFF] = WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_OFF,
        [MESH_CONFIG_LOG_ERRORS] = WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_ERRORS,
        [MESH_CONFIG_LOG_ALL] = WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_ALL,
    };
    return of[mode];
}

static void emit_settings(struct compile *c)
{
    PB(MeshSettings) *settings = PB_NEW(c, MeshSettings, mesh_settings);
    settings->trust_domain = compile_build_text(c, c->trust_domain);
    settings->access_log_json = !c->mesh || c->mesh->spec.access_log.format == MESH_CONFIG_LOG_JSON;
    if (c->mesh)
        settings->access_log = mode_of(c->mesh->spec.access_log.mode);
    settings->client_traffic = compile_client_traffic_mesh(c);
    settings->metrics_body_sizes = c->mesh && c->mesh->spec.metrics.body_sizes;
    compile_build_resource(c, "mesh", WEFT__CONFIG__V1__RESOURCE__BODY_MESH, settings);
}

static struct result *begin(struct compile *c, const struct policy_set *set,
                            const struct compile_target *target, struct diag_list *notes)
{
    struct result *result = mem_zalloc(sizeof *result);
    weft__config__v1__configuration__init(&result->message);
    arena_init(&result->arena, ARENA_BLOCK);
    *c = (struct compile){
        .arena = &result->arena,
        .set = set,
        .notes = notes,
        .target = *target,
        .out = &result->message,
        .is_gateway = target->gateway.len > 0,
        .trust_domain = target->trust_domain,
    };
    c->mesh = (const struct mesh_config *)(const void *)policy_index_find(
        set, KIND_MESH_CONFIG, SLICE(NAMESPACE_ROOT), SLICE("default"));
    choose_trust_domain(c);
    choose_cluster_domain(c);
    map_init(&c->clusters);
    map_init(&c->filters);
    map_init(&c->consumers);
    return result;
}

static PB(Configuration) * end(struct compile *c, struct result *result)
{
    compile_consumers_emit(c);
    map_dispose(&c->consumers);
    map_dispose(&c->clusters);
    map_dispose(&c->filters);
    result->locality = c->locality;
    return &result->message;
}

static void emit_base(struct compile *c)
{
    find_self(c);
    find_locality(c);
    emit_settings(c);
    if (c->is_gateway)
        compile_gateways_emit(c);
    else
        compile_inbound_emit(c);
}

PB(Configuration) * compile_configuration(const struct policy_set *set,
                                          const struct compile_target *target,
                                          struct diag_list *notes)
{
    struct compile c;
    struct result *result = begin(&c, set, target, notes);
    emit_base(&c);
    if (!c.is_gateway)
        compile_destinations_emit(&c);
    compile_workloads_emit(&c);
    return end(&c, result);
}

PB(Configuration) * compile_base(const struct policy_set *set, const struct compile_target *target,
                                 struct diag_list *notes)
{
    struct compile c;
    struct result *result = begin(&c, set, target, notes);
    emit_base(&c);
    return end(&c, result);
}

PB(Configuration) * compile_address(const struct policy_set *set,
                                    const struct compile_target *target, struct slice address)
{
    struct compile_target shared = {
        .namespace_name = target->namespace_name,
        .trust_domain = target->trust_domain,
        .cluster_domain = target->cluster_domain,
        .node = target->node,
        .zone = target->zone,
    };
    struct addr addr;
    struct compile c;
    struct result *result = begin(&c, set, &shared, NULL);
    find_locality(&c);
    if (!addr_parse(address, &addr) && addr.port) {
        compile_destinations_at(&c, &addr);
        compile_workloads_at(&c, &addr);
    }
    return end(&c, result);
}

unsigned compile_locality(const PB(Configuration) * configuration)
{
    return container_of(configuration, struct result, message)->locality;
}

void compile_free(PB(Configuration) * configuration)
{
    if (!configuration)
        return;
    struct result *result = container_of(configuration, struct result, message);
    arena_dispose(&result->arena);
    mem_free(result);
}
