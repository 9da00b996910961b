/* The cluster before Weft: its version, the Gateway API, our rights. Main thread; blocking.
 * Must not know what is installed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "weftctl/check_priv.h"

enum { MINOR_MIN = 29, MINOR_STABLE = 33 };

#define GATEWAY_CRD \
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.gateway.networking.k8s.io"

static bool check_version(struct check *c)
{
    struct api_answer answer;
    const struct doc *d = check_get(c, "/version", &answer);
    if (!d) {
        check_say(c, STEP_FAILED, "API server", "%s", answer.detail);
        return false;
    }
    struct slice minor = doc_string(doc_get(d, SLICE("minor")));
    struct slice version = doc_string(doc_get(d, SLICE("gitVersion")));
    size_t digits = 0;
    while (digits < minor.len && minor.ptr[digits] >= '0' && minor.ptr[digits] <= '9')
        digits++;
    uint64_t number = 0;
    if (slice_to_u64(slice_sub(minor, 0, digits), &number) || number < MINOR_MIN) {
        check_say(c, STEP_FAILED, "API server",
                  "Kubernetes %.*s: sidecars that start first and end last need 1.%d",
                  SLICE_ARG(version), MINOR_MIN);
        return false;
    }
    check_say(c, STEP_OK, "API server", "Kubernetes %.*s%s", SLICE_ARG(version),
              number < MINOR_STABLE ? " (native sidecars are a beta feature there)" : "");
    return true;
}

static bool check_gateway_api(struct check *c)
{
    struct api_answer answer;
    const struct doc *d = check_get(c, GATEWAY_CRD, &answer);
    if (!d) {
        check_say(c, STEP_FAILED, "Gateway API", "%s",
                  answer.status == 404 ? "its CRDs are not installed: apply those of v1.6"
                                       : answer.detail);
        return false;
    }
    const struct doc *notes = doc_find(d, "metadata.annotations");
    struct slice version =
        doc_string(doc_get(notes, SLICE("gateway.networking.k8s.io/bundle-version")));
    struct slice channel = doc_string(doc_get(notes, SLICE("gateway.networking.k8s.io/channel")));
    bool is_ours = slice_starts_with(version, SLICE("v1.6."));
    check_say(c, is_ours ? STEP_OK : STEP_WARNING, "Gateway API", "%.*s, %.*s channel%s",
              SLICE_ARG(version), SLICE_ARG(channel), is_ours ? "" : "; Weft is made for v1.6");
    return true;
}

/* ---- rights ---- */

static bool may(struct check *c, const char *group, const char *resource)
{
    struct api_answer answer;
    struct doc_error error;
    const struct doc *d;
    char *body = mem_printf("{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":"
                            "\"SelfSubjectAccessReview\",\"spec\":{\"resourceAttributes\":{"
                            "\"verb\":\"create\",\"group\":\"%s\",\"resource\":\"%s\"}}}",
                            group, resource);
    struct kube_call call = {
        .method = "POST",
        .path = SLICE("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
        .body = slice_from_cstr(body),
    };
    bool ok = api_call(c->api, &call, &answer);
    mem_free(body);
    if (!ok || doc_json_parse(answer.body, &c->arena, &d, &error))
        return false;
    const struct doc *allowed = doc_find(d, "status.allowed");
    return allowed && allowed->type == DOC_BOOL && allowed->boolean;
}

static void check_rights(struct check *c)
{
    static const struct {
        const char *group, *resource;
    } wanted[] = {
        {"", "namespaces"},
        {"apiextensions.k8s.io", "customresourcedefinitions"},
        {"rbac.authorization.k8s.io", "clusterroles"},
        {"rbac.authorization.k8s.io", "clusterrolebindings"},
        {"admissionregistration.k8s.io", "mutatingwebhookconfigurations"},
    };
    size_t missing = 0;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (may(c, wanted[i].group, wanted[i].resource))
            continue;
        missing++;
        check_say(c, STEP_WARNING, "rights", "you may not create %s: somebody else must install",
                  wanted[i].resource);
    }
    if (!missing)
        check_say(c, STEP_OK, "rights", "you may install");
}

bool check_cluster(struct check *c)
{
    if (!check_version(c))
        return false;
    bool has_gateway_api = check_gateway_api(c);
    check_rights(c);
    return has_gateway_api;
}
