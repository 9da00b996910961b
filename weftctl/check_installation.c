/* Weft in the cluster: its programs, certificates and webhooks, the data planes, and pods that
 * should have a sidecar and have none. Main thread; blocking. Must not change anything.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/mem.h"
#include "weftctl/check_priv.h"
#include "weftctl/install_wait.h"
#include "weftctl/subscribers.h"

#define SYSTEM "weft-system"

static struct slice image_of(const struct doc *deployment)
{
    return doc_string(doc_find(deployment, "spec.template.spec.containers[0].image"));
}

static bool check_program(struct check *c, const char *name)
{
    struct api_answer answer;
    char path[160];
    snprintf(path, sizeof(path), "/apis/apps/v1/namespaces/" SYSTEM "/deployments/%s", name);
    const struct doc *d = check_get(c, path, &answer);
    if (!d) {
        check_say(c, STEP_FAILED, name, "%s",
                  answer.status == 404 ? "is not installed: weftctl install" : answer.detail);
        return false;
    }
    const struct doc *wanted = doc_find(d, "spec.replicas");
    const struct doc *there = doc_find(d, "status.availableReplicas");
    long long n = wanted ? (long long)wanted->integer : 0,
              m = there ? (long long)there->integer : 0;
    if (!install_wait_is_rolled_out(d)) {
        check_say(c, STEP_FAILED, name,
                  "%lld of %lld replicas are at work: kubectl -n " SYSTEM " describe pods", m, n);
        return false;
    }
    bool is_same = slice_ends_with(image_of(d), SLICE(":" WEFT_VERSION));
    check_say(c, is_same ? STEP_OK : STEP_WARNING, name, "%lld replicas, %.*s%s", n,
              SLICE_ARG(image_of(d)), is_same ? "" : " (this weftctl is " WEFT_VERSION ")");
    return true;
}

static void check_bundle(struct check *c)
{
    struct api_answer answer;
    const struct doc *d =
        check_get(c, "/api/v1/namespaces/" SYSTEM "/configmaps/weft-trust-bundle", &answer);
    if (d && doc_string(doc_find(d, "data[\"ca.crt\"]")).len)
        check_say(c, STEP_OK, "trust bundle", "certd hands it out");
    else
        check_say(c, STEP_FAILED, "trust bundle", "%s",
                  d ? "it is empty" : "there is none: see the log of weft-certd");
}

static void check_webhooks(struct check *c, const char *plural, const char *what)
{
    struct api_answer answer;
    char path[160];
    snprintf(path, sizeof(path), "/apis/admissionregistration.k8s.io/v1/%s/weft-injector", plural);
    const struct doc *d = check_get(c, path, &answer);
    if (d && install_wait_has_ca(d))
        check_say(c, STEP_OK, what, "the API server can check the injector's certificate");
    else
        check_say(c, STEP_FAILED, what, "%s",
                  d ? "caBundle is empty: see the log of weft-injector" : answer.detail);
}

static void check_class(struct check *c)
{
    struct api_answer answer;
    const struct doc *d =
        check_get(c, "/apis/gateway.networking.k8s.io/v1/gatewayclasses/weft", &answer);
    if (d && install_wait_has_condition(d, "Accepted"))
        check_say(c, STEP_OK, "GatewayClass weft", "accepted");
    else
        check_say(c, STEP_FAILED, "GatewayClass weft", "%s",
                  d ? "is not accepted: no policyd writes statuses" : answer.detail);
}

/* ---- data planes ---- */

struct planes {
    size_t count, behind;
};

static void count_plane(void *owner, struct slice policyd, const struct doc *one)
{
    struct planes *p = owner;
    const struct doc *behind = doc_get(one, SLICE("behindMs"));
    (void)policyd;
    p->count++;
    p->behind += behind && behind->type == DOC_INT && behind->integer > 1000;
}

static void check_planes(struct check *c)
{
    struct planes p = {0};
    size_t policyds = subscribers_each(c->api, &c->arena, count_plane, &p);
    if (!policyds)
        check_say(c, STEP_FAILED, "data planes", "no policyd could be asked");
    else if (p.behind)
        check_say(c, STEP_WARNING, "data planes",
                  "%zu of %zu are more than a second behind: weftctl proxy-status", p.behind,
                  p.count);
    else
        check_say(c, STEP_OK, "data planes", "%zu connected, none behind", p.count);
}

/* ---- pods that were there before the label ---- */

static size_t count_without(const struct doc *pods, struct slice *example)
{
    size_t n = 0;
    for (size_t i = 0; pods && pods->type == DOC_ARRAY && i < pods->count; i++) {
        const struct doc *pod = pods->items[i];
        const struct doc *host = doc_find(pod, "spec.hostNetwork");
        struct slice wish = doc_string(doc_find(pod, "metadata.labels[\"weft.dev/inject\"]"));
        struct slice phase = doc_string(doc_find(pod, "status.phase"));
        bool is_over = slice_eq(phase, SLICE("Succeeded")) || slice_eq(phase, SLICE("Failed"));
        if (is_over || slice_eq(wish, SLICE("disabled")) ||
            (host && host->type == DOC_BOOL && host->boolean) ||
            doc_find(pod, "metadata.labels[\"gateway.networking.k8s.io/gateway-name\"]") ||
            doc_find(pod, "metadata.annotations[\"weft.dev/status\"]"))
            continue;
        if (!n++)
            *example = doc_string(doc_find(pod, "metadata.name"));
    }
    return n;
}

static void check_namespace(struct check *c, struct slice name)
{
    struct api_answer answer;
    struct slice example = SLICE("");
    char *path = mem_printf("/api/v1/namespaces/%.*s/pods", SLICE_ARG(name));
    const struct doc *pods = check_get(c, path, &answer);
    mem_free(path);
    size_t without = count_without(doc_get(pods, SLICE("items")), &example);
    if (without)
        check_say(c, STEP_WARNING, "sidecars",
                  "%zu pods of namespace %.*s have none (%.*s): kubectl -n %.*s rollout restart "
                  "deployment",
                  without, SLICE_ARG(name), SLICE_ARG(example), SLICE_ARG(name));
}

static void check_sidecars(struct check *c)
{
    struct api_answer answer;
    const struct doc *d =
        check_get(c, "/api/v1/namespaces?labelSelector=weft.dev/inject%3Denabled", &answer);
    const struct doc *items = doc_get(d, SLICE("items"));
    unsigned before = c->warned;
    size_t count = items && items->type == DOC_ARRAY ? items->count : 0;
    for (size_t i = 0; i < count; i++)
        check_namespace(c, doc_string(doc_find(items->items[i], "metadata.name")));
    if (c->warned == before)
        check_say(c, STEP_OK, "sidecars", "in every pod of %zu labelled namespaces", count);
}

void check_installation(struct check *c)
{
    bool has_certd = check_program(c, "weft-certd");
    bool has_policyd = check_program(c, "weft-policyd");
    check_program(c, "weft-injector");
    if (has_certd)
        check_bundle(c);
    check_webhooks(c, "mutatingwebhookconfigurations", "injection");
    check_webhooks(c, "validatingwebhookconfigurations", "validation");
    check_class(c);
    if (has_policyd)
        check_planes(c);
    check_sidecars(c);
}
