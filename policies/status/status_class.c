/* The status of GatewayClasses: whether they are ours and valid, and what Gateways of ours can do.
 * Control thread. Must not know of Gateways.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/gateway/gateway_parameters.h"
#include "policies/status/status_priv.h"

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
    "UDPRoute",
};

static void put_features(struct status_doc *d)
{
    struct doc *array = doc_make_put_array(d->arena, d->root, "supportedFeatures");
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        status_doc_text(d, status_doc_push(d, array), "name", slice_from_cstr(features[i]));
}

static void emit(struct status_run *run, const struct gateway_class *class)
{
    struct status_doc d;
    struct status_condition accepted = {"Accepted", true, "Accepted",
                                        SLICE("Gateways of this class are served")};
    struct slice why;
    if (!gateway_parameters_of_class(run->in->set, class, &run->scratch, &why))
        accepted = (struct status_condition){"Accepted", false, "InvalidParameters", why};
    status_doc_begin(&d, run, &class->object);
    status_doc_conditions(&d, d.root, status_doc_old(&class->object, "conditions"), &accepted, 1);
    put_features(&d);
    status_doc_end(&d, false);
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
