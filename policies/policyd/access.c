/* The rules. A pod's sidecar may have what is for that pod and what its namespace may call; a
 * Gateway's configuration, which holds private keys, is for the pods of that Gateway alone. Pure.
 * Must not know of streams.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/access.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policies/kinds/gateway.h"
#include "policies/kinds/pod.h"
#include "policies/store/policy_index.h"
#include "policies/gateway/gateway_names.h"
#include "policies/kinds/selector.h"

/* The hash of its template that a Deployment gives each of its pods (apps/v1). */
#define POD_HASH_LABEL "pod-template-hash"

enum { POD_BASE_MAX = 58 };

static enum access_verdict verdict(enum access_verdict v, char why[ACCESS_WHY_MAX],
                                   const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum access_verdict verdict(enum access_verdict v, char why[ACCESS_WHY_MAX],
                                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, ACCESS_WHY_MAX, format, args);
    va_end(args);
    return v;
}

static struct slice account_of(const struct pod *pod)
{
    return pod->spec.service_account.len ? pod->spec.service_account : SLICE("default");
}

static enum access_verdict judge_pod(const struct policy_set *set, const struct access_claim *c,
                                     const struct pod **out, char why[ACCESS_WHY_MAX])
{
    *out = NULL;
    if (!c->pod.len)
        return c->needs_pod ? verdict(ACCESS_NO, why, "it does not say which pod it is")
                            : ACCESS_YES;
    const struct pod *pod =
        (const void *)policy_index_find(set, KIND_POD, c->namespace_name, c->pod);
    if (!pod)
        return c->needs_pod ? verdict(ACCESS_WAIT, why, "there is no pod %.*s/%.*s",
                                      SLICE_ARG(c->namespace_name), SLICE_ARG(c->pod))
                            : ACCESS_YES;
    if (!slice_eq(account_of(pod), c->service_account))
        return verdict(ACCESS_NO, why,
                       "pod %.*s/%.*s has the service account %.*s, its certificate is for %.*s",
                       SLICE_ARG(c->namespace_name), SLICE_ARG(c->pod), SLICE_ARG(account_of(pod)),
                       SLICE_ARG(c->service_account));
    *out = pod;
    return ACCESS_YES;
}

/* Of the Deployment that the Gateway names. Its pods are called "NAME-HASH-…", with HASH as a label
 * of theirs; "NAME-" alone would also fit the pods of a Deployment NAME-something. What comes
 * before the random end is cut to 58 bytes, as the API server does it (generateName). */
static bool is_of_deployment(const struct gateway *gateway, const struct pod *pod)
{
    char base[POD_BASE_MAX + 1];
    struct slice own = pod->object.meta.name;
    struct slice hash = selector_label(&pod->object.meta.labels, SLICE(POD_HASH_LABEL));
    struct slice name =
        selector_label(&gateway->object.meta.annotations, SLICE(ACCESS_DEPLOYMENT_ANNOTATION));
    if (!name.len || !hash.len)
        return false;
    snprintf(base, sizeof base, "%.*s-%.*s-", SLICE_ARG(name), SLICE_ARG(hash));
    return slice_starts_with(own, slice_from_cstr(base)) && own.len > strlen(base);
}

static enum access_verdict judge_gateway(const struct policy_set *set, const struct access_claim *c,
                                         const struct pod *pod, char why[ACCESS_WHY_MAX])
{
    const struct gateway *gateway =
        (const void *)policy_index_find(set, KIND_GATEWAY, c->namespace_name, c->gateway);
    struct slice account = c->service_account;
    if (!gateway)
        return verdict(ACCESS_WAIT, why, "there is no Gateway %.*s/%.*s",
                       SLICE_ARG(c->namespace_name), SLICE_ARG(c->gateway));
    char name[GATEWAY_NAMES_MAX];
    if (pod && !slice_eq_cstr(selector_label(&pod->object.meta.labels, SLICE(ACCESS_GATEWAY_LABEL)),
                              gateway_names_label(c->gateway, name)))
        return verdict(ACCESS_NO, why, "pod %.*s/%.*s has no label " ACCESS_GATEWAY_LABEL ": %s",
                       SLICE_ARG(c->namespace_name), SLICE_ARG(c->pod), name);
    bool is_ours = slice_eq_cstr(account, gateway_names_managed(gateway, name));
    bool is_named = !c->needs_pod && slice_eq(account, c->gateway);
    if (is_ours || is_named || (pod && is_of_deployment(gateway, pod)))
        return ACCESS_YES;
    return verdict(ACCESS_NO, why,
                   "Gateway %.*s/%.*s is served by the service account %s, not %.*s",
                   SLICE_ARG(c->namespace_name), SLICE_ARG(c->gateway), name, SLICE_ARG(account));
}

enum access_verdict access_judge(const struct policy_set *set, const struct access_claim *claim,
                                 char why[ACCESS_WHY_MAX])
{
    const struct pod *pod;
    why[0] = 0;
    enum access_verdict v = judge_pod(set, claim, &pod, why);
    if (v == ACCESS_YES && claim->gateway.len)
        v = judge_gateway(set, claim, pod, why);
    return v;
}
