/* The webhooks: are they registered as they should be, does the API server reach and trust whoever
 * answers them, and does a pod get its sidecar, tried by dry run. Main thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/text/base64.h"
#include "lib/inject/inject.h"
#include "weftctl/check/check_priv.h"

#define INJECTOR "weft-injector"
#define INJECTOR_DNS "weft-injector.weft-system.svc"

enum { WEBHOOK_PORT = 15017, TRIALS_MAX = 100 };

/* ---- registration ---- */

static const struct doc *hook_of(const struct doc *configuration, struct slice name)
{
    const struct doc *all = doc_get(configuration, SLICE("webhooks"));
    for (size_t i = 0; all && all->type == DOC_ARRAY && i < all->count; i++)
        if (slice_eq(judge_string(all->items[i], "name"), name))
            return all->items[i];
    return NULL;
}

static void compare_hooks(struct check *c, const struct doc *there, const struct doc *wanted)
{
    const struct doc *all = doc_get(wanted, SLICE("webhooks"));
    for (size_t i = 0; all && i < all->count; i++) {
        struct slice name = judge_string(all->items[i], "name"), path;
        const struct doc *hook = hook_of(there, name);
        if (!hook)
            check_fail(c, SLICE(""), "webhook %.*s is missing", SLICE_ARG(name));
        else if (!judge_is_part(check_arena(c), all->items[i], hook, &path))
            check_warn(c, SLICE(""), "webhook %.*s is not as this weftctl installs it: %.*s",
                       SLICE_ARG(name), SLICE_ARG(path));
    }
}

/* The roots of the first hook; NULL ptr where one has none, or another than the first. */
static struct slice common_ca(const struct doc *configuration)
{
    const struct doc *all = doc_get(configuration, SLICE("webhooks"));
    struct slice first = {NULL, 0};
    for (size_t i = 0; all && all->type == DOC_ARRAY && i < all->count; i++) {
        struct slice ca = judge_string(all->items[i], "clientConfig.caBundle");
        if (!ca.len || (i && !slice_eq(ca, first)))
            return (struct slice){NULL, 0};
        first = ca;
    }
    return first;
}

/* What the API server would see, asked of each replica with the roots that it has been told. */
static void shake_hands(struct check *c, struct slice ca)
{
    size_t count, len;
    const struct doc **pods = look_pods_of(c, INJECTOR, &count);
    char *roots = arena_alloc(asks_arena(check_asks(c)), BASE64_DECODED_MAX(ca.len) + 1);
    if (base64_decode(ca, roots, &len)) {
        check_fail(c, SLICE(""), "caBundle is no base64");
        return;
    }
    for (size_t i = 0; pods && i < count; i++) {
        struct ask_port at = {SLICE(CHECK_SYSTEM), judge_string(pods[i], "metadata.name"),
                              WEBHOOK_PORT};
        if (!judge_is_true(pods[i], "Ready"))
            continue;
        const struct ask *a = ask_handshake(check_asks(c), &at, slice_of(roots, len),
                                            (struct slice){NULL, 0}, SLICE(INJECTOR_DNS));
        if (a && !a->ok && !a->no_way)
            check_fail(c, SLICE(""),
                       "the API server cannot trust %.*s by its caBundle, and refuses pods: %.*s",
                       SLICE_ARG(at.pod), SLICE_ARG(a->detail));
    }
}

static bool has_endpoint(struct check *c, bool *is_known)
{
    const struct ask *a =
        ask_list(check_asks(c),
                 "/apis/discovery.k8s.io/v1/namespaces/" CHECK_SYSTEM
                 "/endpointslices?labelSelector=kubernetes.io/service-name%%3D" INJECTOR);
    *is_known = a && a->ok;
    for (size_t i = 0; a && a->doc && i < a->doc->count; i++) {
        const struct doc *all = doc_get(a->doc->items[i], SLICE("endpoints"));
        for (size_t j = 0; all && all->type == DOC_ARRAY && j < all->count; j++)
            if (judge_bool(all->items[j], "conditions.ready"))
                return true;
    }
    return false;
}

static void probe_hooks(struct check *c, const char *plural, const char *kind, const char *without,
                        const char *good)
{
    bool is_known;
    const struct ask *a = ask_json(
        check_asks(c), "/apis/admissionregistration.k8s.io/v1/%s/" INJECTOR, plural);
    bool is_reachable = has_endpoint(c, &is_known);
    if (!a || asks_is_waiting(check_asks(c)))
        return;
    if (a->status == 404) {
        check_fail(c, SLICE(""), "%s " INJECTOR " is missing: %s", kind, without);
        return;
    }
    if (!a->ok) {
        check_unanswered(c, a, kind);
        return;
    }
    compare_hooks(c, a->doc, check_manifest(c, kind, INJECTOR));
    if (is_known && !is_reachable)
        check_fail(c,
                   SLICE("kubectl -n weft-system get endpointslices -l "
                         "kubernetes.io/service-name=weft-injector"),
                   "Service weft-injector has no ready endpoint: in labelled namespaces the API "
                   "server refuses what it would have to ask about");
    struct slice ca = common_ca(a->doc);
    if (!ca.len)
        check_fail(c, SLICE("kubectl -n weft-system logs deployment/weft-injector"),
                   "caBundle is empty, or not the same in every webhook");
    else if (is_reachable)
        shake_hands(c, ca);
    if (check_is_good(c))
        check_ok(c, "%s", good);
}

void probe_injection(struct check *c)
{
    probe_hooks(c, "mutatingwebhookconfigurations", "MutatingWebhookConfiguration",
                "pods get no sidecars", "the webhook is registered, reached and trusted");
}

void probe_validation(struct check *c)
{
    probe_hooks(c, "validatingwebhookconfigurations", "ValidatingWebhookConfiguration",
                "policies are not checked when they are stored",
                "the webhook is registered, reached and trusted");
}

/* ---- a pod, by dry run ---- */

enum trial { TRIAL_PLAIN, TRIAL_SIDECAR, TRIAL_UNPRIVILEGED };

static struct slice trial_pod(struct arena *a, enum trial trial)
{
    return arena_printf(
        a,
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"generateName\":\"weft-check-\","
        "\"labels\":{\"weft.dev/inject\":\"%s\"},\"annotations\":{%s}},\"spec\":{"
        "\"automountServiceAccountToken\":false,\"containers\":[{\"name\":\"app\",\"image\":"
        "\"weft.local/check:1\",\"ports\":[{\"containerPort\":8080}],\"resources\":{\"requests\":"
        "{\"cpu\":\"10m\",\"memory\":\"16Mi\"},\"limits\":{\"cpu\":\"10m\",\"memory\":\"16Mi\"}},"
        "\"securityContext\":{\"runAsNonRoot\":true,\"runAsUser\":1000,"
        "\"allowPrivilegeEscalation\":false,\"capabilities\":{\"drop\":[\"ALL\"]},"
        "\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}}]}}",
        trial == TRIAL_PLAIN ? "disabled" : "enabled",
        trial == TRIAL_UNPRIVILEGED
            ? "\"weft.dev/redirect\":\"none\",\"weft.dev/inbound-forward\":\"8080\""
            : "");
}

static const struct ask *try_pod(struct check *c, struct slice space, enum trial trial)
{
    struct arena *a = asks_arena(check_asks(c));
    return ask_post(
        check_asks(c),
        arena_printf(a, "/api/v1/namespaces/%.*s/pods?dryRun=All", SLICE_ARG(space)),
        trial_pod(a, trial));
}

static bool says(struct slice text, const char *what)
{
    return slice_find(text, slice_from_cstr(what)) < text.len;
}

static bool has_sidecar(const struct doc *pod)
{
    return judge_container(pod, "spec.initContainers", INJECT_SIDECAR_NAME) ||
           judge_container(pod, "spec.containers", INJECT_SIDECAR_NAME);
}

/* Pod Security of that namespace takes only pods without redirection. That is as it should be where
 * all are so; one that runs with it could not be made again. */
static void tell_privileged(struct check *c, struct slice space, struct slice cure,
                            struct slice detail)
{
    const struct ask *a =
        ask_list(check_asks(c), "/api/v1/namespaces/%.*s/pods", SLICE_ARG(space));
    for (size_t i = 0; a && a->doc && i < a->doc->count; i++) {
        const struct doc *pod = a->doc->items[i];
        if (!judge_container(pod, "spec.initContainers", INJECT_REDIRECT_NAME) ||
            doc_find(pod, "metadata.deletionTimestamp"))
            continue;
        check_fail(c, cure, "namespace %.*s: a pod like %.*s, which runs, would be refused: %.*s",
                   SLICE_ARG(space), SLICE_ARG(judge_string(pod, "metadata.name")),
                   SLICE_ARG(detail));
        return;
    }
}

/* Without our webhook's doing: nothing is learned about Weft. */
static void judge_refused(struct check *c, struct slice space, const struct ask *refused)
{
    struct slice cure =
        judge_refusal_cure(check_arena(c), refused->detail, space, SLICE("events"));
    if (says(refused->detail, "failed calling webhook")) {
        check_fail(c, cure, "namespace %.*s: no pod can be made: %.*s", SLICE_ARG(space),
                   SLICE_ARG(refused->detail));
        return;
    }
    const struct ask *plain = try_pod(c, space, TRIAL_PLAIN);
    const struct ask *unprivileged = says(refused->detail, "violates PodSecurity")
                                         ? try_pod(c, space, TRIAL_UNPRIVILEGED)
                                         : NULL;
    if (!plain || asks_is_waiting(check_asks(c)))
        return;
    if (unprivileged && unprivileged->ok) {
        tell_privileged(c, space, cure, refused->detail);
        return;
    }
    if (plain->ok)
        check_fail(c, cure, "namespace %.*s: a pod is taken, and refused with its sidecar: %.*s",
                   SLICE_ARG(space), SLICE_ARG(refused->detail));
    else if (says(refused->detail, "quota"))
        check_warn(c, cure, "namespace %.*s: another pod would be refused: %.*s", SLICE_ARG(space),
                   SLICE_ARG(refused->detail));
}

static void try_namespace(struct check *c, struct slice space)
{
    const struct ask *a = try_pod(c, space, TRIAL_SIDECAR);
    if (!a)
        return;
    if (!a->ok && says(a->detail, "cannot create resource"))
        check_warn(c, SLICE(""), "namespace %.*s: not tried, for want of rights", SLICE_ARG(space));
    else if (!a->ok)
        judge_refused(c, space, a);
    else if (!has_sidecar(a->doc))
        check_fail(c, SLICE(""), "namespace %.*s: a new pod gets no sidecar", SLICE_ARG(space));
}

void probe_trial(struct check *c)
{
    const struct ask *spaces = look_namespaces(c);
    size_t tried = 0;
    if (!spaces)
        return;
    if (!spaces->ok) {
        check_unanswered(c, spaces, "namespaces");
        return;
    }
    for (size_t i = 0; spaces->doc && i < spaces->doc->count && tried < TRIALS_MAX; i++) {
        const struct doc *space = spaces->doc->items[i];
        if (!slice_eq(judge_string(space, "metadata.labels[\"weft.dev/inject\"]"),
                      SLICE("enabled")) ||
            doc_find(space, "metadata.deletionTimestamp"))
            continue;
        try_namespace(c, judge_string(space, "metadata.name"));
        tried++;
    }
    if (!tried) { /* a pod may ask for itself anywhere */
        try_namespace(c, SLICE("default"));
        if (check_is_good(c))
            check_ok(c, "a pod with the label would get its sidecar; no namespace has it yet");
    } else if (check_is_good(c)) {
        check_ok(c, "a new pod gets its sidecar in %zu labelled namespaces", tried);
    }
}
