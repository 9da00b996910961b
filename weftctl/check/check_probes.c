/* The table of probes, in the order in which their findings are printed: causes before what follows
 * from them. To add one: a function in a file of probes_*.c, and a row here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/check/check_priv.h"

#define GATEWAY_API_CRDS                                          \
    "kubectl apply --server-side -f "                             \
    "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.3/" \
    "experimental-install.yaml"

const struct probe check_probes[] = {
    {"API server", PROBE_BEFORE, "its version: 1.29 or later", probe_api_server,
     "kubectl version", false},
    {"Gateway API", PROBE_BEFORE, "its CRDs: all kinds that Weft reads, of v1.6", probe_gateway_api,
     GATEWAY_API_CRDS, false},
    {"rights", PROBE_BEFORE, "may you install", probe_rights,
     "kubectl auth can-i create clusterroles", false},
    {"clocks", PROBE_BEFORE,
     "the time of each node (its Lease) and of this machine, against the API server's",
     probe_clocks, "timedatectl", true},
    {"Weft's CRDs", PROBE_INSTALLED, "are they there, established, and what this weftctl carries",
     probe_crds, "weftctl install", false},
    {"weft-certd", PROBE_INSTALLED, "its Deployment, and /readyz of each replica", probe_certd,
     "weftctl install", true},
    {"weft-policyd", PROBE_INSTALLED, "its Deployment, and /readyz of each replica", probe_policyd,
     "weftctl install", true},
    {"weft-injector", PROBE_INSTALLED, "its Deployment, and /readyz of each replica",
     probe_injector, "weftctl install", true},
    {"leaders", PROBE_INSTALLED, "/metrics of each replica: does one of each program lead",
     probe_leaders, NULL, true},
    {"root certificate", PROBE_INSTALLED, "Secret weft-ca: is it there, and the one it always was",
     probe_root, "kubectl -n weft-system logs deployment/weft-certd", false},
    {"trust bundle", PROBE_INSTALLED, "ConfigMap weft-trust-bundle, the same in every namespace",
     probe_trust_bundle, "kubectl -n weft-system logs deployment/weft-certd", true},
    {"certificates", PROBE_INSTALLED,
     "a TLS handshake with each replica: do the roots vouch for what it serves",
     probe_certificates, NULL, true},
    {"injection", PROBE_INSTALLED,
     "the mutating webhook: registered as installed, with an endpoint, trusted by its caBundle",
     probe_injection, "weftctl install", true},
    {"validation", PROBE_INSTALLED,
     "the validating webhook: registered as installed, with an endpoint, trusted by its caBundle",
     probe_validation, "weftctl install", true},
    {"a new pod", PROBE_INSTALLED,
     "a pod in each labelled namespace, by dry run: is it taken, and does it get a sidecar",
     probe_trial, "weftctl install", true},
    {"refused pods", PROBE_INSTALLED,
     "ReplicaSets, StatefulSets, DaemonSets and Jobs of labelled namespaces whose pods are refused",
     probe_refused_pods, NULL, true},
    {"sidecars", PROBE_INSTALLED,
     "pods whose sidecar does not start or get ready, with its own reason, and pods without one",
     probe_sidecars, NULL, false},
    {"data planes", PROBE_INSTALLED,
     "every policyd: who is connected, behind, or refuses; and which sidecars are not connected",
     probe_data_planes, NULL, true},
    {"GatewayClass weft", PROBE_INSTALLED, "is it accepted", probe_gateway_class,
     "kubectl -n weft-system logs deployment/weft-policyd", true},
    {"labels", PROBE_INSTALLED,
     "labels from habit that mean nothing here: weft.dev/inject=true, istio-injection=enabled",
     probe_labels, NULL, false},
};

const size_t check_probe_count = sizeof(check_probes) / sizeof(check_probes[0]);
