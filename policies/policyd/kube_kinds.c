/* The table of kinds in the API server. Pure. Must not know what is done with
 * them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/kube_kinds.h"

#include <stdio.h>

const struct kube_kind kube_kinds[] = {
    {KIND_NAMESPACE, "namespaces", ""},
    {KIND_NODE, "nodes", ""},
    {KIND_SERVICE, "services", ""},
    {KIND_ENDPOINT_SLICE, "endpointslices", ""},
    {KIND_POD, "pods", ""},
    {KIND_SECRET, "secrets", "fieldSelector=type%3Dkubernetes.io%2Ftls"},
    {KIND_CONFIG_MAP, "configmaps", ""},
    {KIND_INGRESS, "ingresses", ""},
    {KIND_GATEWAY_CLASS, "gatewayclasses", ""},
    {KIND_GATEWAY, "gateways", ""},
    {KIND_LISTENER_SET, "listenersets", ""},
    {KIND_HTTP_ROUTE, "httproutes", ""},
    {KIND_GRPC_ROUTE, "grpcroutes", ""},
    {KIND_TLS_ROUTE, "tlsroutes", ""},
    {KIND_TCP_ROUTE, "tcproutes", ""},
    {KIND_UDP_ROUTE, "udproutes", ""},
    {KIND_REFERENCE_GRANT, "referencegrants", ""},
    {KIND_BACKEND_TLS_POLICY, "backendtlspolicies", ""},
    {KIND_TRAFFIC_POLICY, "trafficpolicies", ""},
    {KIND_LISTENER_POLICY, "listenerpolicies", ""},
    {KIND_PEER_AUTHENTICATION, "peerauthentications", ""},
    {KIND_AUTHORIZATION_POLICY, "authorizationpolicies", ""},
    {KIND_MESH_CONFIG, "meshconfigs", ""},
};
const size_t kube_kinds_count = sizeof kube_kinds / sizeof kube_kinds[0];

_Static_assert(sizeof kube_kinds / sizeof kube_kinds[0] == KIND_COUNT, "every kind is watched");

const char *kube_kinds_version(enum kind_id id)
{
    static char text[KIND_COUNT][64];
    const struct kind *k = kind_all[id];
    if (!text[id][0])
        snprintf(text[id], sizeof text[id], "%s%s%s", k->group, *k->group ? "/" : "",
                 k->versions[0]);
    return text[id];
}

const struct kube_kind *kube_kinds_find(enum kind_id id)
{
    for (size_t i = 0; i < kube_kinds_count; i++)
        if (kube_kinds[i].id == id)
            return &kube_kinds[i];
    return NULL;
}

char *kube_kinds_path(const struct kube_kind *k, char path[KUBE_KINDS_PATH_MAX])
{
    bool is_core = !*kind_all[k->id]->group;
    snprintf(path, KUBE_KINDS_PATH_MAX, "/%s/%s/%s", is_core ? "api" : "apis",
             kube_kinds_version(k->id), k->plural);
    return path;
}
