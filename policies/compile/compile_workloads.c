/* Workload resources: who is behind an address, for calls to a pod's own. Control thread. Must
 * not know of Services.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

static void emit(struct compile *c, const struct pod *pod, struct slice ip)
{
    const struct metadata *meta = &pod->object.meta;
    if (policy_addresses_pod(c->set, ip) != pod)
        return;
    PB(Workload) *w = PB_NEW(c, Workload, workload);
    w->ip = compile_build_text(c, ip);
    w->name = compile_build_text(c, meta->name);
    w->namespace_ = compile_build_text(c, meta->namespace_name);
    w->service_account = compile_build_text(c, pod->spec.service_account);
    w->spiffe_id = compile_build_spiffe(c, meta->namespace_name, pod->spec.service_account);
    w->meshed = pod_is_meshed(pod) && !pod_mesh_port(pod) &&
                compile_mtls_mode(c, meta->namespace_name, pod, 0) !=
                    WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE;
    compile_build_resource(c, compile_build_format(c, "workload/%s", w->ip),
                           WEFT__CONFIG__V1__RESOURCE__BODY_WORKLOAD, w);
}

static void emit_pod(struct compile *c, const struct pod *pod)
{
    bool listed = false;
    for (SCHEMA_EACH(pod->status.ips, struct pod_ip, ip)) {
        if (ip->ip.len)
            emit(c, pod, ip->ip);
        listed |= slice_eq(ip->ip, pod->status.ip);
    }
    if (!listed && pod->status.ip.len)
        emit(c, pod, pod->status.ip);
}

void compile_workloads_emit(struct compile *c)
{
    const struct object_list *pods = &c->set->all[KIND_POD];
    for (size_t i = 0; i < pods->count; i++)
        emit_pod(c, POLICY_AT(pods, struct pod, i));
}

void compile_workloads_at(struct compile *c, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    struct slice ip = slice_from_cstr(addr_format_ip(addr, text));
    const struct pod *pod = policy_addresses_pod(c->set, ip);
    if (pod)
        emit(c, pod, ip);
}
