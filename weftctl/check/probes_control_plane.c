/* Weft's own programs: do they run, are they ready when they are asked, does the certificate that
 * each serves chain to the roots that everybody has been given, and is the root what it was. Main
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/tls/x509.h"
#include "weftctl/check/check_priv.h"
#include "weftctl/install/manifests.h"

enum { GRPC_PORT = 15012, WEBHOOK_PORT = 15017, ROOT_NOTED_DAYS = 30 };

static size_t count_of(const struct doc *array)
{
    return array && array->type == DOC_ARRAY ? array->count : 0;
}

/* ---- CRDs ---- */

void probe_crds(struct check *c)
{
    const struct doc_list *all = check_manifests(c);
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        struct slice name = manifests_name(all->items[i]), path;
        if (!slice_eq(manifests_kind(all->items[i]), SLICE("CustomResourceDefinition")))
            continue;
        count++;
        const struct ask *a =
            ask_json(check_asks(c), "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/%.*s",
                     SLICE_ARG(name));
        if (!a)
            continue;
        if (a->status == 404)
            check_fail(c, SLICE(""), "%.*s is missing: policies of that kind are not stored",
                       SLICE_ARG(name));
        else if (!a->ok)
            check_unanswered(c, a, "CRDs");
        else if (!judge_is_true(a->doc, "Established"))
            check_fail(
                c, SLICE(""), "%.*s is not established: %.*s", SLICE_ARG(name),
                SLICE_ARG(judge_string(judge_condition(a->doc, "NamesAccepted"), "message")));
        else if (!judge_is_part(check_arena(c), doc_get(all->items[i], SLICE("spec")),
                                doc_get(a->doc, SLICE("spec")), &path))
            check_fail(c, SLICE(""),
                       "%.*s is of another version of Weft than this weftctl, " WEFT_VERSION
                       ": spec.%.*s differs",
                       SLICE_ARG(name), SLICE_ARG(path));
    }
    if (check_is_good(c))
        check_ok(c, "%zu kinds of policy.weft.dev, as this weftctl knows them", count);
}

/* ---- a program ---- */

static struct slice rollout_cure(struct check *c, const char *program)
{
    return arena_printf(check_arena(c), "kubectl -n weft-system describe pods -l "
                                        "app.kubernetes.io/name=%s",
                        program);
}

static bool is_of(const struct doc *pod, const char *program)
{
    return slice_eq_cstr(judge_string(pod, "metadata.labels[\"app.kubernetes.io/name\"]"), program);
}

static struct slice rollout_state(struct arena *a, const struct doc *deployment)
{
    long long wanted = (long long)judge_int(deployment, "spec.replicas"),
              there = (long long)judge_int(deployment, "status.availableReplicas");
    if (there >= wanted)
        return SLICE("the former replicas still serve, and the new ones do not start");
    return arena_printf(a, "%lld of %lld replicas are ready", there, wanted);
}

/* What it says itself of its being ready. */
static struct slice page_of(struct check *c, const struct doc *pod)
{
    const struct ask *a =
        ask_text(check_asks(c), "/api/v1/namespaces/" CHECK_SYSTEM "/pods/%.*s:%d/proxy/readyz",
                 SLICE_ARG(judge_string(pod, "metadata.name")), CHECK_HEALTH_PORT);
    return a && !a->ok ? a->detail : SLICE("it was only just started");
}

/* False: nothing is known that would keep it from being ready in a moment. */
static bool tell_pod(struct check *c, const char *program, struct slice state,
                     const struct doc *pod)
{
    struct arena *arena = check_arena(c);
    struct slice name = judge_string(pod, "metadata.name"), image, log = {NULL, 0};
    struct slice why = judge_pod_trouble(arena, pod, &image);
    if (image.len) {
        check_fail(c,
                   SLICE("weftctl install --image REGISTRY/weft:" WEFT_VERSION
                         " # one that the nodes can fetch; scripts/image makes it"),
                   "%.*s; pod %.*s: %.*s", SLICE_ARG(state), SLICE_ARG(name), SLICE_ARG(why));
        return true;
    }
    if (why.len)
        log = look_log(c, pod, program + strlen("weft-"));
    else if (slice_eq(judge_string(pod, "status.phase"), SLICE("Running")))
        why = arena_printf(arena, "is not ready: %.*s", SLICE_ARG(page_of(c, pod)));
    if (why.len)
        check_fail(c, rollout_cure(c, program), "%.*s; pod %.*s: %.*s%s%.*s", SLICE_ARG(state),
                   SLICE_ARG(name), SLICE_ARG(why), log.len ? "; it says: " : "", SLICE_ARG(log));
    return why.len > 0;
}

/* Why a Deployment has not the pods that it should have: what the API server said of them, or what
 * its pods say of themselves, in their status, on their health page or in their log. */
static void explain_rollout(struct check *c, const char *program, const struct doc *deployment)
{
    struct arena *arena = check_arena(c);
    struct slice state = rollout_state(arena, deployment);
    if (judge_is_true(deployment, "ReplicaFailure")) {
        struct slice message =
            judge_string(judge_condition(deployment, "ReplicaFailure"), "message");
        check_fail(c,
                   judge_refusal_cure(arena, message, SLICE(CHECK_SYSTEM),
                                      arena_printf(arena, "deployment/%s", program)),
                   "%.*s; its pods are refused: %.*s", SLICE_ARG(state), SLICE_ARG(message));
        return;
    }
    const struct ask *pods = ask_list(check_asks(c), "/api/v1/namespaces/" CHECK_SYSTEM "/pods");
    for (size_t i = 0; pods && i < count_of(pods->doc); i++)
        if (is_of(pods->doc->items[i], program) && !judge_is_true(pods->doc->items[i], "Ready") &&
            tell_pod(c, program, state, pods->doc->items[i]))
            return;
    check_fail(c, rollout_cure(c, program), "%.*s", SLICE_ARG(state));
}

static bool is_out_of_reach(struct slice detail)
{
    return slice_find(detail, SLICE("error trying to reach service")) < detail.len;
}

/* Each replica, by the way of the API server to pods. */
static size_t ask_replicas(struct check *c, const char *program)
{
    size_t count, good = 0;
    const struct doc **pods = look_pods_of(c, program, &count);
    for (size_t i = 0; pods && i < count; i++) {
        struct slice name = judge_string(pods[i], "metadata.name");
        const struct ask *a = ask_text(
            check_asks(c), "/api/v1/namespaces/" CHECK_SYSTEM "/pods/%.*s:%d/proxy/readyz",
            SLICE_ARG(name), CHECK_HEALTH_PORT);
        if (!a)
            continue;
        good += a->ok;
        if (a->status == 403)
            check_unanswered(c, a, "its replicas");
        if (a->ok || a->status == 403 || !judge_is_true(pods[i], "Ready"))
            continue;
        struct slice policies = look_network_policies(c, pods[i]);
        if (a->status == 503 && !is_out_of_reach(a->detail))
            check_fail(c,
                       arena_printf(check_arena(c), "kubectl -n weft-system logs %.*s",
                                    SLICE_ARG(name)),
                       "pod %.*s is not ready: %.*s", SLICE_ARG(name), SLICE_ARG(a->detail));
        else if (policies.len)
            check_fail(c,
                       arena_printf(check_arena(c),
                                    "kubectl -n weft-system describe networkpolicy"),
                       "pod %.*s cannot be reached; NetworkPolicies that select it: %.*s",
                       SLICE_ARG(name), SLICE_ARG(policies));
        else
            check_fail(c, rollout_cure(c, program), "pod %.*s cannot be reached: %.*s",
                       SLICE_ARG(name), SLICE_ARG(a->detail));
    }
    return good;
}

static void judge_image(struct check *c, const struct doc *deployment, size_t good)
{
    struct slice image = judge_string(deployment, "spec.template.spec.containers[0].image");
    bool is_same = slice_ends_with(image, SLICE(":" WEFT_VERSION)) ||
                   slice_find_byte(image, '@') < image.len;
    if (is_same)
        check_ok(c, "%zu replicas answer and are ready, %.*s", good, SLICE_ARG(image));
    else
        check_warn(c, SLICE("weftctl install"), "%zu replicas, %.*s; this weftctl is " WEFT_VERSION,
                   good, SLICE_ARG(image));
}

static void probe_program(struct check *c, const char *without)
{
    const char *program = check_name(c);
    const struct ask *a = look_deployment(c, program);
    if (!a)
        return;
    if (a->status == 404) {
        check_fail(c, SLICE(""), "is not installed");
        return;
    }
    if (!a->ok) {
        check_unanswered(c, a, "Deployment");
        return;
    }
    if (judge_int(a->doc, "spec.replicas") == 0) {
        check_fail(c,
                   arena_printf(check_arena(c),
                                "kubectl -n weft-system scale deployment/%s --replicas=2", program),
                   "0 replicas: %s", without);
        return;
    }
    size_t good = ask_replicas(c, program);
    if (!judge_is_rolled_out(a->doc))
        explain_rollout(c, program, a->doc);
    if (check_is_good(c))
        judge_image(c, a->doc, good);
}

void probe_certd(struct check *c)
{
    probe_program(c, "no pod can get a certificate: new ones hang in Init, and those that run lose "
                     "theirs within a day");
}

void probe_policyd(struct check *c)
{
    probe_program(c, "new pods get no configuration, and no change reaches those that run");
}

void probe_injector(struct check *c)
{
    probe_program(c, "in labelled namespaces the API server refuses every new pod");
}

/* ---- numbers that they tell ---- */

/* The /metrics of that pod of ours; NULL: not there yet. */
static const struct ask *metrics_of(struct check *c, const struct doc *pod)
{
    return ask_text(check_asks(c), "/api/v1/namespaces/" CHECK_SYSTEM "/pods/%.*s:%d/proxy/metrics",
                    SLICE_ARG(judge_string(pod, "metadata.name")), CHECK_HEALTH_PORT);
}

/* False: there is no such metric without labels. */
static bool read_metric(struct slice page, const char *name, double *value)
{
    struct slice line;
    while (page.len && slice_split(&page, '\n', &line)) {
        size_t len = strlen(name);
        if (!slice_starts_with(line, slice_from_cstr(name)) || line.len <= len ||
            line.ptr[len] != ' ')
            continue;
        char text[32];
        snprintf(text, sizeof(text), "%.*s", SLICE_ARG(slice_sub(line, len + 1, line.len)));
        *value = strtod(text, NULL);
        return true;
    }
    return false;
}

void probe_leaders(struct check *c)
{
    static const char *const programs[] = CHECK_PROGRAMS;
    size_t told_at_all = 0;
    for (size_t p = 0; p < CHECK_PROGRAM_COUNT; p++) {
        char name[64];
        size_t count, told = 0;
        double leaders = 0, value;
        const struct doc **pods = look_pods_of(c, programs[p], &count);
        snprintf(name, sizeof(name), "weft_%s_leader", programs[p] + strlen("weft-"));
        for (size_t i = 0; pods && i < count; i++) {
            const struct ask *a = metrics_of(c, pods[i]);
            if (a && a->ok && read_metric(a->text, name, &value)) {
                leaders += value;
                told++;
            }
        }
        told_at_all += told;
        if (told && told == count && leaders != 1.0)
            check_fail(c,
                       arena_printf(check_arena(c), "kubectl -n weft-system get lease %s -o yaml",
                                    programs[p]),
                       "%.0f of %zu replicas of %s hold its Lease: %s", leaders, count, programs[p],
                       leaders < 1 ? "nobody writes what it keeps" : "they write over each other");
    }
    if (told_at_all && check_is_good(c))
        check_ok(c, "one replica of each program writes");
}

/* ---- trust ---- */

#define ACKNOWLEDGE                                                          \
    "kubectl -n weft-system annotate secret weft-ca weft.dev/root-replaced- " \
    "weft.dev/root-replaced-at- # after restoring the Secret, or taking the new root as it is"

/* What certd wrote down when the root became another one. */
static bool tell_replaced(struct check *c, const struct doc *secret)
{
    struct slice how = judge_string(secret, "metadata.annotations[\"weft.dev/root-replaced\"]"),
                 when = judge_string(secret, "metadata.annotations[\"weft.dev/root-replaced-at\"]");
    if (slice_eq(how, SLICE("reinstalled")))
        check_warn(c, SLICE(ACKNOWLEDGE),
                   "it is another one than before Weft was installed anew, at %.*s: pods that were "
                   "there before must be made anew",
                   SLICE_ARG(when));
    else if (how.len)
        check_fail(c, SLICE(ACKNOWLEDGE),
                   "%s at %.*s: pods that have only seen the old one trust nobody until they have "
                   "new roots",
                   slice_eq(how, SLICE("lost")) ? "Secret weft-ca was lost, and a new root made"
                                                : "Secret weft-ca holds another root",
                   SLICE_ARG(when));
    return how.len > 0;
}

/* Without the right to read Secrets there is still what certd says. */
static bool tell_replaced_by_metric(struct check *c)
{
    size_t count;
    double when = 0;
    const struct doc **pods = look_pods_of(c, "weft-certd", &count);
    for (size_t i = 0; pods && i < count; i++) {
        const struct ask *a = metrics_of(c, pods[i]);
        if (a && a->ok && when <= 0 &&
            read_metric(a->text, "weft_certd_root_replaced_timestamp_seconds", &when) && when > 0) {
            check_fail(c, SLICE(ACKNOWLEDGE),
                       "the root was lost and a new one made: pods that have only seen the old one "
                       "trust nobody until they have new roots");
            return true;
        }
    }
    return false;
}

static void tell_restored(struct check *c)
{
    size_t count;
    double times = 0;
    const struct doc **pods = look_pods_of(c, "weft-certd", &count);
    for (size_t i = 0; pods && i < count; i++) {
        const struct ask *a = metrics_of(c, pods[i]);
        if (!a || !a->ok || !read_metric(a->text, "weft_certd_ca_restored_total", &times) ||
            times <= 0)
            continue;
        check_warn(c,
                   SLICE("kubectl -n weft-system get events "
                         "--field-selector reason=SecretRestored"),
                   "Secret weft-ca was deleted, and put back as it was by %.*s: who does that?",
                   SLICE_ARG(judge_string(pods[i], "metadata.name")));
        return;
    }
}

static void judge_age(struct check *c, struct slice roots)
{
    struct x509_facts facts;
    if (x509_read(roots, &facts))
        return;
    int64_t days = (facts.not_after_ms - clock_wall_ms()) / 86400000;
    int64_t life = (facts.not_after_ms - facts.not_before_ms) / 86400000;
    if (days < ROOT_NOTED_DAYS && life > 2 * ROOT_NOTED_DAYS)
        check_warn(c, SLICE("kubectl -n weft-system logs deployment/weft-certd"),
                   "it ends in %lld days, and must be changed before", (long long)days);
    else
        check_ok(c, "as it was; it ends in %lld days", (long long)days);
    x509_facts_dispose(&facts);
}

void probe_root(struct check *c)
{
    const struct ask *a =
        ask_json(check_asks(c), "/api/v1/namespaces/" CHECK_SYSTEM "/secrets/weft-ca");
    struct slice roots = look_roots(c);
    if (!a || asks_is_waiting(check_asks(c)))
        return;
    if (a->status == 404)
        check_fail(c, SLICE(""),
                   "Secret weft-ca is missing: certd has no key to sign with, or will make a new "
                   "root that no pod trusts");
    if (a->ok ? tell_replaced(c, a->doc) : tell_replaced_by_metric(c))
        return;
    tell_restored(c);
    if (check_is_good(c) && roots.len && !asks_is_waiting(check_asks(c)))
        judge_age(c, roots);
}

void probe_trust_bundle(struct check *c)
{
    struct slice roots = look_roots(c);
    const struct ask *all = ask_list(
        check_asks(c), "/api/v1/configmaps?fieldSelector=metadata.name%%3Dweft-trust-bundle");
    const struct ask *spaces = look_namespaces(c);
    if (!all || !spaces || asks_is_waiting(check_asks(c)))
        return;
    if (!roots.len) {
        check_fail(c, SLICE(""), "ConfigMap weft-trust-bundle of weft-system has no roots: certd "
                                 "has not handed them out");
        return;
    }
    size_t other = 0, active = 0;
    struct slice example = {NULL, 0};
    for (size_t i = 0; i < count_of(all->doc); i++)
        if (!slice_eq(judge_string(all->doc->items[i], "data[\"ca.crt\"]"), roots) && !other++)
            example = judge_string(all->doc->items[i], "metadata.namespace");
    for (size_t i = 0; i < count_of(spaces->doc); i++)
        active += slice_eq(judge_string(spaces->doc->items[i], "status.phase"), SLICE("Active"));
    if (other)
        check_fail(c, SLICE(""),
                   "in %zu namespaces it is not that of weft-system (%.*s): pods there do not "
                   "trust the mesh",
                   other, SLICE_ARG(example));
    else if (all->ok && spaces->ok && count_of(all->doc) < active)
        check_fail(c, SLICE(""), "it is missing in %zu of %zu namespaces: pods there cannot start",
                   active - count_of(all->doc), active);
    else
        check_ok(c, "the same roots in %zu namespaces", count_of(all->doc));
}

/* The certificate that each replica serves, and what it thinks of it itself. */
static size_t judge_replicas(struct check *c, const char *program, uint16_t port,
                             struct slice roots)
{
    size_t count, good = 0;
    struct arena *a = asks_arena(check_asks(c));
    struct slice id = arena_printf(a, "spiffe://%.*s/ns/" CHECK_SYSTEM "/sa/%s",
                                   SLICE_ARG(look_trust_domain(c)), program);
    const struct doc **pods = look_pods_of(c, program, &count);
    for (size_t i = 0; pods && i < count; i++) {
        struct ask_port at = {SLICE(CHECK_SYSTEM), judge_string(pods[i], "metadata.name"), port};
        if (!judge_is_true(pods[i], "Ready"))
            continue;
        const struct ask *shown =
            ask_handshake(check_asks(c), &at, roots, id, (struct slice){NULL, 0});
        const struct ask *metrics = metrics_of(c, pods[i]);
        if (!shown || !metrics)
            continue;
        double trusted = 1, failures = 0;
        (void)read_metric(metrics->text, "weft_certificate_trusted", &trusted);
        (void)read_metric(metrics->text, "weft_certificate_request_failures", &failures);
        if (shown->no_way) {
            check_warn(c, SLICE("kubectl auth can-i create pods/portforward -n weft-system"),
                       "that of %.*s is not looked at, for want of a port-forward: %.*s",
                       SLICE_ARG(at.pod), SLICE_ARG(shown->detail));
            continue;
        }
        good += shown->ok && trusted > 0;
        if (!shown->ok || trusted < 1)
            check_fail(c,
                       arena_printf(check_arena(c),
                                    "kubectl -n weft-system rollout restart deployment/%s",
                                    program),
                       "the mesh's roots do not vouch for what %.*s serves: %.*s%s",
                       SLICE_ARG(at.pod), SLICE_ARG(shown->detail),
                       failures > 0 ? "; it gets no new one from certd" : "");
    }
    return good;
}

void probe_certificates(struct check *c)
{
    struct slice roots = look_roots(c);
    if (asks_is_waiting(check_asks(c)))
        return;
    if (!roots.len) {
        check_fail(c, SLICE("weftctl install"), "there are no roots to try them by");
        return;
    }
    size_t good = judge_replicas(c, "weft-certd", GRPC_PORT, roots) +
                  judge_replicas(c, "weft-policyd", GRPC_PORT, roots) +
                  judge_replicas(c, "weft-injector", WEBHOOK_PORT, roots);
    if (check_is_good(c))
        check_ok(c, "%zu replicas serve one that the roots vouch for", good);
}

void probe_gateway_class(struct check *c)
{
    const struct ask *a =
        ask_json(check_asks(c), "/apis/gateway.networking.k8s.io/v1/gatewayclasses/weft");
    if (!a)
        return;
    if (a->status == 404)
        check_fail(c, SLICE("weftctl install"), "is missing: no Gateway is served");
    else if (!a->ok)
        check_unanswered(c, a, "GatewayClass");
    else if (judge_is_true(a->doc, "Accepted"))
        check_ok(c, "accepted");
    else
        check_fail(c, SLICE(""), "is not accepted: no policyd writes statuses");
}
