/* The pods of the mesh: are their data planes connected and up to date, do their sidecars start,
 * are pods refused, and does anybody ask for a sidecar in words that mean nothing here. Main
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/inject/inject.h"
#include "weftctl/check/check_priv.h"

enum { BEHIND_MS = 1000, START_MS = 20000, TOLD_MAX = 5, EVENT_MS = 600000 };
enum { ADMIN_PORT = 15000, SAMPLE = 8 };

static size_t count_of(const struct doc *array)
{
    return array && array->type == DOC_ARRAY ? array->count : 0;
}

static struct slice text_of(const struct doc *d, const char *path)
{
    return judge_string(d, path);
}

/* ---- data planes ---- */

struct planes {
    struct map by_pod; /* "namespace/pod" */
    size_t count, behind, refused, policyds;
};

static void count_planes(struct check *c, struct planes *p)
{
    size_t count;
    char key[330];
    const struct doc **pods = look_pods_of(c, "weft-policyd", &count);
    for (size_t i = 0; pods && i < count; i++) {
        const struct ask *a = ask_json(
            check_asks(c),
            "/api/v1/namespaces/" CHECK_SYSTEM "/pods/%.*s:%d/proxy/debug/subscribers",
            SLICE_ARG(text_of(pods[i], "metadata.name")), CHECK_HEALTH_PORT);
        p->policyds += a && a->ok;
        for (size_t j = 0; a && j < count_of(a->doc); j++) {
            const struct doc *one = a->doc->items[j];
            p->count++;
            p->behind += judge_int(one, "behindMs") > BEHIND_MS;
            p->refused += slice_eq(text_of(one, "state"), SLICE("refused"));
            snprintf(key, sizeof(key), "%.*s/%.*s", SLICE_ARG(text_of(one, "namespace")),
                     SLICE_ARG(text_of(one, "pod")));
            map_put(&p->by_pod, slice_from_cstr(key), p);
        }
    }
}

static bool is_connected(const struct planes *p, const struct doc *pod)
{
    char key[330];
    snprintf(key, sizeof(key), "%.*s/%.*s", SLICE_ARG(text_of(pod, "metadata.namespace")),
             SLICE_ARG(text_of(pod, "metadata.name")));
    return map_get(&p->by_pod, slice_from_cstr(key)) != NULL;
}

/* What a data plane says on its own status page of its way to policyd. NULL: nothing (yet). */
static const struct doc *own_discovery(struct check *c, const struct doc *pod)
{
    struct ask_port at = {text_of(pod, "metadata.namespace"), text_of(pod, "metadata.name"),
                          ADMIN_PORT};
    const struct ask *a = ask_inside(check_asks(c), &at, "/status");
    const struct doc *status;
    struct doc_error error;
    if (!a || !a->ok || doc_json_parse(a->text, asks_arena(check_asks(c)), &status, &error))
        return NULL;
    return doc_get(status, SLICE("discovery"));
}

/* What may stand between the pods and policyd: NetworkPolicies at both ends. */
static struct slice policies_between(struct check *c, const struct doc *pod)
{
    size_t count;
    const struct doc **ours = look_pods_of(c, "weft-policyd", &count);
    struct slice here = look_network_policies(c, pod), there = {NULL, 0};
    if (ours && count)
        there = look_network_policies(c, ours[0]);
    if (!here.len && !there.len)
        return here;
    return arena_printf(check_arena(c), "%s%.*s%s%s%.*s", there.len ? "in weft-system: " : "",
                        SLICE_ARG(there), there.len && here.len ? "; " : "",
                        here.len ? "at the pod: " : "", SLICE_ARG(here));
}

static void tell_cut_off(struct check *c, const struct doc *pod, size_t count)
{
    struct slice space = text_of(pod, "metadata.namespace"), name = text_of(pod, "metadata.name");
    struct slice log = look_log(c, pod, judge_data_plane(pod));
    struct slice problem = text_of(own_discovery(c, pod), "problem");
    struct slice policies = policies_between(c, pod);
    struct slice cure = policies.len
                            ? SLICE("kubectl get networkpolicy -A # TCP port 15012 of weft-policyd "
                                    "must be open to every pod with a sidecar")
                            : arena_printf(check_arena(c), "kubectl -n %.*s logs %.*s -c %s",
                                           SLICE_ARG(space), SLICE_ARG(name),
                                           judge_data_plane(pod));
    check_fail(c, cure,
               "%zu data planes are connected to no policyd, and keep what they had "
               "(%.*s/%.*s)%s%.*s%s%.*s",
               count, SLICE_ARG(space), SLICE_ARG(name),
               policies.len ? "; NetworkPolicies that may cut them off: " : "", SLICE_ARG(policies),
               problem.len || log.len ? "; it says: " : "",
               SLICE_ARG(problem.len ? problem : log));
}

static void judge_planes(struct check *c, const struct planes *p)
{
    const struct doc **pods, *example = NULL;
    size_t count, cut_off = 0, all = 0;
    if (!look_mesh_pods(c, &pods, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        bool is_gone = doc_find(pods[i], "metadata.deletionTimestamp") != NULL;
        if (is_gone || !judge_data_plane(pods[i]) || !judge_is_true(pods[i], "Ready"))
            continue;
        bool is_cut_off = !is_connected(p, pods[i]);
        /* policyd may not know yet that nobody is at the other end. */
        if (!is_cut_off && all++ < SAMPLE) {
            const struct doc *own = own_discovery(c, pods[i]);
            is_cut_off = own && !judge_bool(own, "connected");
        }
        if (is_cut_off && !cut_off++)
            example = pods[i];
    }
    if (cut_off)
        tell_cut_off(c, example, cut_off);
    if (p->refused)
        check_fail(c, SLICE("weftctl proxy-status"),
                   "%zu of %zu refuse a part of their configuration", p->refused, p->count);
    if (p->behind)
        check_warn(c, SLICE("weftctl proxy-status"), "%zu of %zu are more than a second behind",
                   p->behind, p->count);
    if (check_is_good(c))
        check_ok(c, "%zu connected, none behind", p->count);
}

void probe_data_planes(struct check *c)
{
    struct planes p = {0};
    map_init(&p.by_pod);
    count_planes(c, &p);
    if (!asks_is_waiting(check_asks(c)) && !p.policyds)
        check_fail(c,
                   SLICE("kubectl -n weft-system get pods -l app.kubernetes.io/name=weft-policyd"),
                   "no policyd could be asked");
    else if (!asks_is_waiting(check_asks(c)))
        judge_planes(c, &p);
    map_dispose(&p.by_pod);
}

/* ---- sidecars ---- */

static const struct doc *status_of(const struct doc *pod, const char *container)
{
    const struct doc *s = judge_container(pod, "status.initContainerStatuses", container);
    return s ? s : judge_container(pod, "status.containerStatuses", container);
}

/* Why a sidecar that runs is not ready: its own health page, and what it logged. */
static struct slice own_reason(struct check *c, const struct doc *pod, const char *container)
{
    const struct ask *a = ask_text(
        check_asks(c), "/api/v1/namespaces/%.*s/pods/%.*s:%d/proxy/healthz/ready",
        SLICE_ARG(text_of(pod, "metadata.namespace")), SLICE_ARG(text_of(pod, "metadata.name")),
        CHECK_HEALTH_PORT);
    struct slice log = look_log(c, pod, container);
    struct slice page = a && !a->ok ? a->detail : (struct slice){NULL, 0};
    struct slice problem = text_of(own_discovery(c, pod), "problem");
    log = problem.len ? problem : log;
    struct slice policies = look_network_policies(c, pod);
    return arena_printf(check_arena(c), "%.*s%s%.*s%s%.*s", SLICE_ARG(page),
                        page.len && log.len ? "; it says: " : "", SLICE_ARG(log),
                        policies.len ? "; NetworkPolicies that select it: " : "",
                        SLICE_ARG(policies));
}

/* Empty: all is well, or it may still be starting. */
static struct slice stuck_reason(struct check *c, const struct doc *pod, struct slice *image)
{
    const char *container = judge_data_plane(pod);
    const struct doc *status = status_of(pod, container);
    bool is_ready = judge_bool(status, "ready");
    *image = (struct slice){NULL, 0};
    if (is_ready)
        return (struct slice){NULL, 0};
    struct slice trouble = judge_pod_trouble(check_arena(c), pod, image);
    bool is_about_us = slice_find(trouble, SLICE("container weft-")) < trouble.len;
    if (trouble.len && !is_about_us)
        return (struct slice){NULL, 0}; /* the app's own */
    int64_t since = judge_time_ms(text_of(status, "state.running.startedAt"));
    int64_t made = judge_time_ms(text_of(pod, "metadata.creationTimestamp"));
    int64_t age = look_server_ms(c) - (since ? since : made);
    if (is_about_us && !image->len) {
        bool is_redirect = slice_find(trouble, SLICE(INJECT_REDIRECT_NAME)) < trouble.len;
        struct slice log = look_log(c, pod, is_redirect ? INJECT_REDIRECT_NAME : container);
        return arena_printf(check_arena(c), "%.*s%s%.*s", SLICE_ARG(trouble),
                            log.len ? "; it says: " : "", SLICE_ARG(log));
    }
    if (trouble.len || age < START_MS)
        return trouble;
    if (!since)
        return arena_printf(check_arena(c), "its sidecar has not been started for %lld s",
                            (long long)age / 1000);
    return arena_printf(check_arena(c), "its sidecar is not ready for %lld s: %.*s",
                        (long long)age / 1000, SLICE_ARG(own_reason(c, pod, container)));
}

static void tell_stuck(struct check *c, const struct doc *pod, struct slice why,
                       struct slice image)
{
    struct slice space = text_of(pod, "metadata.namespace"), name = text_of(pod, "metadata.name");
    struct slice cure =
        image.len ? SLICE("weftctl install --image REGISTRY/weft:" WEFT_VERSION
                          " # one that the nodes can fetch; then restart the pods")
                  : arena_printf(check_arena(c), "kubectl -n %.*s logs %.*s -c %s",
                                 SLICE_ARG(space), SLICE_ARG(name), judge_data_plane(pod));
    check_fail(c, cure, "pod %.*s/%.*s: %.*s", SLICE_ARG(space), SLICE_ARG(name), SLICE_ARG(why));
}

static bool should_have_one(const struct doc *pod)
{
    struct slice phase = text_of(pod, "status.phase");
    return !(slice_eq(phase, SLICE("Succeeded")) || slice_eq(phase, SLICE("Failed")) ||
             slice_eq(text_of(pod, "metadata.labels[\"weft.dev/inject\"]"), SLICE("disabled")) ||
             judge_bool(pod, "spec.hostNetwork") ||
             doc_find(pod, "metadata.labels[\"gateway.networking.k8s.io/gateway-name\"]") ||
             doc_find(pod, "metadata.annotations[\"" INJECT_STATUS "\"]"));
}

/* Pods of one namespace that were made before it was labelled. */
static void tell_without(struct check *c, const struct doc **pods, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slice space = text_of(pods[i], "metadata.namespace");
        size_t without = 0;
        if (i && slice_eq(space, text_of(pods[i - 1], "metadata.namespace")))
            continue;
        struct slice example = {NULL, 0};
        for (size_t j = i;
             j < count && slice_eq(text_of(pods[j], "metadata.namespace"), space); j++)
            if (should_have_one(pods[j]) && !judge_data_plane(pods[j]) && !without++)
                example = text_of(pods[j], "metadata.name");
        if (without)
            check_warn(c,
                       arena_printf(check_arena(c),
                                    "kubectl -n %.*s rollout restart deployment", SLICE_ARG(space)),
                       "%zu pods of namespace %.*s have no sidecar (%.*s)", without,
                       SLICE_ARG(space), SLICE_ARG(example));
    }
}

void probe_sidecars(struct check *c)
{
    const struct doc **pods;
    size_t count, stuck = 0, good = 0;
    const struct ask *spaces = look_namespaces(c);
    (void)look_server_ms(c);
    if (!look_mesh_pods(c, &pods, &count))
        return;
    if (!spaces->ok) {
        check_unanswered(c, spaces, "namespaces");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct slice image, phase = text_of(pods[i], "status.phase");
        if (!judge_data_plane(pods[i]) || doc_find(pods[i], "metadata.deletionTimestamp") ||
            slice_eq(phase, SLICE("Succeeded")) || slice_eq(phase, SLICE("Failed")))
            continue;
        struct slice why = stuck_reason(c, pods[i], &image);
        good += !why.len;
        if (why.len && stuck++ < TOLD_MAX)
            tell_stuck(c, pods[i], why, image);
    }
    if (stuck > TOLD_MAX)
        check_fail(c, SLICE("kubectl get pods -A"), "and %zu more", stuck - TOLD_MAX);
    tell_without(c, pods, count);
    if (check_is_good(c))
        check_ok(c, "%zu of them, none stuck", good);
}

/* ---- pods that are refused ---- */

static void tell_refused(struct check *c, struct slice space, const char *kind, struct slice name,
                         struct slice message)
{
    struct slice owner = arena_printf(check_arena(c), "%s/%.*s", kind, SLICE_ARG(name));
    check_fail(c, judge_refusal_cure(check_arena(c), message, space, owner),
               "%s %.*s/%.*s: its pods are refused: %.*s", kind, SLICE_ARG(space), SLICE_ARG(name),
               SLICE_ARG(message));
}

/* Their controllers note it. */
static size_t refused_replicas(struct check *c, struct slice space)
{
    size_t refused = 0;
    const struct ask *a = ask_list(
        check_asks(c), "/apis/apps/v1/namespaces/%.*s/replicasets", SLICE_ARG(space));
    for (size_t i = 0; a && i < count_of(a->doc); i++) {
        const struct doc *set = a->doc->items[i], *why = judge_condition(set, "ReplicaFailure");
        if (!slice_eq(text_of(why, "status"), SLICE("True")))
            continue;
        struct slice owner = text_of(set, "metadata.ownerReferences[0].name");
        if (refused++ < TOLD_MAX)
            tell_refused(c, space, owner.len ? "deployment" : "replicaset",
                         owner.len ? owner : text_of(set, "metadata.name"),
                         text_of(why, "message"));
    }
    return refused;
}

/* Those that note nothing still write Events. */
static void refused_by_events(struct check *c, struct slice space)
{
    static const char *const kinds[][2] = {
        {"StatefulSet", "statefulset"}, {"DaemonSet", "daemonset"}, {"Job", "job"}};
    const struct ask *a = ask_list(
        check_asks(c), "/api/v1/namespaces/%.*s/events?fieldSelector=reason%%3DFailedCreate",
        SLICE_ARG(space));
    int64_t now = look_server_ms(c);
    for (size_t i = 0; a && i < count_of(a->doc); i++) {
        const struct doc *event = a->doc->items[i];
        struct slice kind = text_of(event, "involvedObject.kind");
        struct slice name = text_of(event, "involvedObject.name");
        int64_t last = judge_time_ms(text_of(event, "lastTimestamp"));
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            if (!slice_eq_cstr(kind, kinds[k][0]) || now - last > EVENT_MS)
                continue;
            const struct ask *owner = ask_json(
                check_asks(c), "/apis/%s/v1/namespaces/%.*s/%ss/%.*s", k == 2 ? "batch" : "apps",
                SLICE_ARG(space), kinds[k][1], SLICE_ARG(name));
            if (!owner || !owner->ok)
                continue;
            int64_t wanted = k == 0   ? judge_int(owner->doc, "spec.replicas")
                             : k == 1 ? judge_int(owner->doc, "status.desiredNumberScheduled")
                                      : 1;
            int64_t there = k == 0   ? judge_int(owner->doc, "status.replicas")
                            : k == 1 ? judge_int(owner->doc, "status.currentNumberScheduled")
                                     : judge_int(owner->doc, "status.active") +
                                           judge_int(owner->doc, "status.succeeded");
            if (there < wanted)
                tell_refused(c, space, kinds[k][1], name, text_of(event, "message"));
        }
    }
}

void probe_refused_pods(struct check *c)
{
    const struct ask *spaces = look_namespaces(c);
    size_t count = 0;
    for (size_t i = 0; spaces && i < count_of(spaces->doc); i++) {
        const struct doc *space = spaces->doc->items[i];
        struct slice name = text_of(space, "metadata.name");
        if (!slice_eq(text_of(space, "metadata.labels[\"weft.dev/inject\"]"), SLICE("enabled")))
            continue;
        count++;
        refused_replicas(c, name);
        refused_by_events(c, name);
    }
    if (spaces && !spaces->ok)
        check_unanswered(c, spaces, "namespaces");
    else if (check_is_good(c))
        check_ok(c, "none in %zu labelled namespaces", count);
}

/* ---- labels of other meshes, and slips ---- */

static bool is_injected(const struct doc *space)
{
    return slice_eq(text_of(space, "metadata.labels[\"weft.dev/inject\"]"), SLICE("enabled"));
}

static void tell_label(struct check *c, struct slice name, const char *label, struct slice value)
{
    check_warn(c,
               arena_printf(check_arena(c),
                            "kubectl label namespace %.*s weft.dev/inject=enabled --overwrite",
                            SLICE_ARG(name)),
               "namespace %.*s has the label %s=%.*s, which Weft does not know: its pods get no "
               "sidecar",
               SLICE_ARG(name), label, SLICE_ARG(value));
}

/* A label of another mesh means something where that mesh is. */
static bool is_installed(struct check *c, const char *word)
{
    const struct ask *a = ask_list(
        check_asks(c), "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations");
    for (size_t i = 0; a && i < count_of(a->doc); i++) {
        struct slice name = text_of(a->doc->items[i], "metadata.name");
        if (slice_find(name, slice_from_cstr(word)) < name.len)
            return true;
    }
    return false;
}

static void judge_labels(struct check *c, const struct doc *space, bool has_istio, bool has_linkerd)
{
    struct slice name = text_of(space, "metadata.name");
    struct slice ours = text_of(space, "metadata.labels[\"weft.dev/inject\"]");
    struct slice istio = text_of(space, "metadata.labels[\"istio-injection\"]");
    struct slice revision = text_of(space, "metadata.labels[\"istio.io/rev\"]");
    struct slice linkerd = text_of(space, "metadata.annotations[\"linkerd.io/inject\"]");
    if (is_injected(space) || slice_eq(ours, SLICE("disabled")))
        return;
    if (ours.ptr)
        tell_label(c, name, "weft.dev/inject", ours);
    else if (slice_eq(istio, SLICE("enabled")) && !has_istio)
        tell_label(c, name, "istio-injection", istio);
    else if (revision.len && !has_istio)
        tell_label(c, name, "istio.io/rev", revision);
    else if (slice_eq(linkerd, SLICE("enabled")) && !has_linkerd)
        tell_label(c, name, "(annotation) linkerd.io/inject", linkerd);
}

static void judge_pod_labels(struct check *c)
{
    const struct ask *a = ask_list(
        check_asks(c), "/api/v1/pods?labelSelector=weft.dev/inject,weft.dev/inject%%20notin%%20("
                       "enabled,disabled)");
    for (size_t i = 0; a && i < count_of(a->doc) && i < TOLD_MAX; i++) {
        const struct doc *pod = a->doc->items[i];
        check_warn(c, SLICE("kubectl explain deployment.spec.template.metadata.labels # the value "
                            "must be enabled or disabled"),
                   "pod %.*s/%.*s has the label weft.dev/inject=%.*s, which is neither enabled nor "
                   "disabled",
                   SLICE_ARG(text_of(pod, "metadata.namespace")),
                   SLICE_ARG(text_of(pod, "metadata.name")),
                   SLICE_ARG(text_of(pod, "metadata.labels[\"weft.dev/inject\"]")));
    }
}

void probe_labels(struct check *c)
{
    const struct ask *spaces = look_namespaces(c);
    bool has_istio = is_installed(c, "istio"), has_linkerd = is_installed(c, "linkerd");
    judge_pod_labels(c);
    if (!spaces || asks_is_waiting(check_asks(c)))
        return;
    for (size_t i = 0; i < count_of(spaces->doc); i++)
        judge_labels(c, spaces->doc->items[i], has_istio, has_linkerd);
    if (check_is_good(c))
        check_ok(c, "no label that Weft would not know");
}
