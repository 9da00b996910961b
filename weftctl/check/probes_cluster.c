/* The cluster before Weft: its version, the Gateway API, our rights, and everybody's clock. Main
 * thread. Must not know what is installed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "policies/kinds/kind.h"
#include "weftctl/check/check_priv.h"

enum { MINOR_MIN = 29, MINOR_STABLE = 33 };
enum { SKEW_NOTED_MS = 10000, SKEW_MAX_MS = 30000, OURS_MAX_MS = 90000 };

#define GATEWAY_CRD \
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.gateway.networking.k8s.io"

void probe_api_server(struct check *c)
{
    const struct ask *a = ask_json(check_asks(c), "/version");
    if (!a)
        return;
    if (!a->ok) {
        check_fail(c, SLICE(""), "it does not answer: %.*s", SLICE_ARG(a->detail));
        return;
    }
    struct slice minor = judge_string(a->doc, "minor");
    struct slice version = judge_string(a->doc, "gitVersion");
    size_t digits = 0;
    while (digits < minor.len && minor.ptr[digits] >= '0' && minor.ptr[digits] <= '9')
        digits++;
    uint64_t number = 0;
    if (slice_to_u64(slice_sub(minor, 0, digits), &number) || number < MINOR_MIN)
        check_fail(c, SLICE(""),
                   "Kubernetes %.*s: sidecars that start first and end last need 1.%d",
                   SLICE_ARG(version), MINOR_MIN);
    else
        check_ok(c, "Kubernetes %.*s%s", SLICE_ARG(version),
                 number < MINOR_STABLE ? " (native sidecars are a beta feature there)" : "");
}

/* ---- the Gateway API ---- */

static bool is_served(const struct ask *resources, const char *plural)
{
    const struct doc *all = doc_get(resources->doc, SLICE("resources"));
    for (size_t i = 0; all && all->type == DOC_ARRAY && i < all->count; i++)
        if (slice_eq_cstr(judge_string(all->items[i], "name"), plural))
            return true;
    return false;
}

/* What of it is not served as policyd reads it: "TCPRoute v1alpha2, UDPRoute v1alpha2". */
static struct slice missing_kinds(struct check *c)
{
    struct slice missing = {NULL, 0};
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *k = kind_all[i];
        if (!slice_starts_with(slice_from_cstr(k->group), SLICE("gateway.networking")))
            continue;
        const struct ask *a = ask_json(check_asks(c), "/apis/%s/%s", k->group, k->versions[0]);
        if (a && !(a->ok && is_served(a, k->plural)))
            missing = arena_printf(check_arena(c), "%.*s%s%s %s", SLICE_ARG(missing),
                                   missing.len ? ", " : "", k->name, k->versions[0]);
    }
    return missing;
}

void probe_gateway_api(struct check *c)
{
    const struct ask *a = ask_json(check_asks(c), GATEWAY_CRD);
    struct slice missing = missing_kinds(c);
    if (!a || asks_is_waiting(check_asks(c)))
        return;
    if (a->status == 404) {
        check_fail(c, SLICE(""), "its CRDs are not installed");
        return;
    }
    if (missing.len)
        check_fail(c, SLICE(""), "these CRDs are not installed, or in another version: %.*s",
                   SLICE_ARG(missing));
    if (!a->ok) {
        check_unanswered(c, a, "CRD gateways");
        return;
    }
    const struct doc *notes = doc_find(a->doc, "metadata.annotations");
    struct slice version =
        doc_string(doc_get(notes, SLICE("gateway.networking.k8s.io/bundle-version")));
    struct slice channel = doc_string(doc_get(notes, SLICE("gateway.networking.k8s.io/channel")));
    if (!slice_starts_with(version, SLICE("v1.6.")))
        check_warn(c, SLICE(""), "%.*s, %.*s channel; Weft is made for v1.6", SLICE_ARG(version),
                   SLICE_ARG(channel));
    else if (!missing.len)
        check_ok(c, "%.*s, %.*s channel", SLICE_ARG(version), SLICE_ARG(channel));
}

/* ---- rights ---- */

void probe_rights(struct check *c)
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
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        struct slice body =
            arena_printf(check_arena(c),
                         "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":"
                         "\"SelfSubjectAccessReview\",\"spec\":{\"resourceAttributes\":{"
                         "\"verb\":\"create\",\"group\":\"%s\",\"resource\":\"%s\"}}}",
                         wanted[i].group, wanted[i].resource);
        const struct ask *a = ask_post(
            check_asks(c), SLICE("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"), body);
        if (a && !judge_bool(a->doc, "status.allowed"))
            check_warn(c, SLICE(""), "you may not create %s: somebody else must install",
                       wanted[i].resource);
    }
    if (check_is_good(c))
        check_ok(c, "you may install");
}

/* ---- clocks ---- */

/* A kubelet writes its own time into its Lease; the API server notes beside it when that was. */
static bool lease_skew(const struct doc *lease, int64_t *skew_ms)
{
    int64_t written = judge_time_ms(judge_string(lease, "spec.renewTime")), noted = 0;
    const struct doc *fields = doc_find(lease, "metadata.managedFields");
    for (size_t i = 0; fields && fields->type == DOC_ARRAY && i < fields->count; i++) {
        int64_t ms = judge_time_ms(judge_string(fields->items[i], "time"));
        noted = ms > noted ? ms : noted;
    }
    *skew_ms = written - noted;
    return written && noted;
}

static void tell_skew(struct check *c, const char *whose, struct slice node, int64_t skew_ms,
                      struct slice cure)
{
    int64_t by = skew_ms < 0 ? -skew_ms : skew_ms;
    const char *how = skew_ms < 0 ? "behind" : "ahead of";
    if (by >= SKEW_MAX_MS)
        check_fail(c, cure,
                   "%s%.*s is %lld s %s the API server's: certificates are \"not valid yet\" or "
                   "\"expired\" there",
                   whose, SLICE_ARG(node), (long long)by / 1000, how);
    else
        check_warn(c, cure, "%s%.*s is %lld s %s the API server's", whose, SLICE_ARG(node),
                   (long long)by / 1000, how);
}

void probe_clocks(struct check *c)
{
    const struct ask *a =
        ask_list(check_asks(c), "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases");
    if (!a)
        return;
    if (!a->ok) {
        check_unanswered(c, a, "Leases of the nodes");
        return;
    }
    size_t count = 0;
    for (size_t i = 0; a->doc && i < a->doc->count; i++) {
        struct slice node = judge_string(a->doc->items[i], "metadata.name");
        int64_t skew;
        if (!lease_skew(a->doc->items[i], &skew))
            continue;
        count++;
        if (skew >= SKEW_NOTED_MS || skew <= -SKEW_NOTED_MS)
            tell_skew(c, "the clock of node ", node, skew,
                      arena_printf(check_arena(c),
                                   "kubectl debug node/%.*s -it --image=busybox -- chroot /host "
                                   "timedatectl set-ntp true",
                                   SLICE_ARG(node)));
    }
    /* The newest Lease is some seconds old. */
    int64_t server = look_server_ms(c), ours = server ? clock_wall_ms() - server : 0;
    if (ours > OURS_MAX_MS || ours < -SKEW_NOTED_MS)
        tell_skew(c, "the clock of this machine", SLICE(""), ours,
                  SLICE("sudo timedatectl set-ntp true"));
    if (check_is_good(c))
        check_ok(c, "those of %zu nodes agree with the API server's", count);
}
