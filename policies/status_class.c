/* The status of GatewayClasses: whether they are ours and valid, and what Gateways of ours can do.
 * Control thread. Must not know of Gateways.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/gateway_class.h"
#include "policies/status_priv.h"

/* Names of the Gateway API's features, in the order of the alphabet. */
static const char *const features[] = {
    "BackendTLSPolicy",
    "BackendTLSPolicySANValidation",
    "GRPCRoute",
    "GRPCRouteNamedRouteRule",
    "Gateway",
    "GatewayAddressEmpty",
    "GatewayBackendClientCertificate",
    "GatewayFrontendClientCertificateValidation",
    "GatewayFrontendClientCertificateValidationInsecureFallback",
    "GatewayHTTPListenerIsolation",
    "GatewayHTTPSListenerDetectMisdirectedRequests",
    "GatewayInfrastructure",
    "GatewayPort8080",
    "GatewayStaticAddresses",
    "HTTPRoute",
    "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode",
    "HTTPRoute308RedirectStatusCode",
    "HTTPRouteBackendProtocolH2C",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteBackendRequestHeaderModification",
    "HTTPRouteBackendTimeout",
    "HTTPRouteCORS",
    "HTTPRouteDestinationPortMatching",
    "HTTPRouteHostRewrite",
    "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule",
    "HTTPRouteParentRefPort",
    "HTTPRoutePathRedirect",
    "HTTPRoutePathRewrite",
    "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching",
    "HTTPRouteRequestMirror",
    "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteRequestPercentageMirror",
    "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification",
    "HTTPRouteRetry",
    "HTTPRouteRetryBackendTimeout",
    "HTTPRouteRetryConnectionError",
    "HTTPRouteSchemeRedirect",
    "ListenerSet",
    "ReferenceGrant",
    "TCPRoute",
    "TLSRoute",
    "TLSRouteModeMixed",
    "TLSRouteModeTerminate",
};

static void put_features(struct status_json *j)
{
    json_write_key(&j->w, "supportedFeatures");
    json_write_array(&j->w);
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        json_write_object(&j->w);
        json_write_field(&j->w, "name", slice_from_cstr(features[i]));
        json_write_object_end(&j->w);
    }
    json_write_array_end(&j->w);
}

static void emit(struct status_run *run, const struct gateway_class *class)
{
    struct status_json j;
    struct status_condition accepted = {"Accepted", true, "Accepted",
                                        SLICE("Gateways of this class are served")};
    if (class->spec.parameters)
        accepted = (struct status_condition){
            "Accepted", false, "InvalidParameters",
            arena_printf(&run->scratch,
                         "parametersRef: kind %.*s is not known; there are no "
                         "parameters",
                         SLICE_ARG(class->spec.parameters->kind))};
    status_json_begin(&j, run, &class->object);
    status_json_conditions(&j, doc_get(class->object.status, SLICE("conditions")), &accepted, 1);
    put_features(&j);
    status_json_end(&j, false);
}

void status_class_all(struct status_run *run)
{
    const struct object_list *all = &run->in->set->all[KIND_GATEWAY_CLASS];
    for (size_t i = 0; i < all->count; i++) {
        const struct gateway_class *class = POLICY_AT(all, struct gateway_class, i);
        if (slice_eq_cstr(class->spec.controller, STATUS_CONTROLLER))
            emit(run, class);
    }
}
