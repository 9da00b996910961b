/* Conditions of single objects, and waiting for them by name. Main thread; blocking.
 * Must not know in which order things are installed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/install_wait.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "weftctl/manifests.h"
#include "weftctl/step.h"

#define SYSTEM "weft-system"

/* ---- questions ---- */

static int64_t number(const struct doc *o, const char *path)
{
    const struct doc *d = doc_find(o, path);
    return d && d->type == DOC_INT ? d->integer : 0;
}

bool install_wait_is_rolled_out(const struct doc *o)
{
    int64_t wanted = number(o, "spec.replicas");
    return number(o, "status.observedGeneration") >= number(o, "metadata.generation") &&
           number(o, "status.updatedReplicas") == wanted &&
           number(o, "status.replicas") == wanted &&
           number(o, "status.availableReplicas") == wanted;
}

bool install_wait_has_condition(const struct doc *object, const char *type)
{
    const struct doc *all = doc_find(object, "status.conditions");
    for (size_t i = 0; all && all->type == DOC_ARRAY && i < all->count; i++)
        if (slice_eq_cstr(doc_string(doc_get(all->items[i], SLICE("type"))), type))
            return slice_eq(doc_string(doc_get(all->items[i], SLICE("status"))), SLICE("True"));
    return false;
}

bool install_wait_has_ca(const struct doc *configuration)
{
    const struct doc *hooks = doc_get(configuration, SLICE("webhooks"));
    bool all = hooks && hooks->type == DOC_ARRAY && hooks->count;
    for (size_t i = 0; all && i < hooks->count; i++)
        all = doc_string(doc_find(hooks->items[i], "clientConfig.caBundle")).len > 0;
    return all;
}

/* ---- one object by name ---- */

struct one {
    bool (*is_good)(const struct doc *object, const char *detail);
    const char *detail;
};

static bool judge_one(void *owner, const struct doc *object)
{
    const struct one *one = owner;
    return one->is_good(object, one->detail);
}

/* list: its path; what: for people. */
static bool wait_one(const struct install_wait *w, const char *list, const char *name,
                     const char *what, struct one one)
{
    char *selector = mem_printf("fieldSelector=metadata.name%%3D%s", name);
    bool ok =
        await_objects(w->api, list, slice_from_cstr(selector), w->timeout_ms, judge_one, &one);
    if (ok)
        step_say(STEP_OK, "%s", what);
    else
        step_say(STEP_FAILED, "not within %u s: %s", w->timeout_ms / 1000, what);
    mem_free(selector);
    return ok;
}

static bool is_rolled_out(const struct doc *o, const char *detail)
{
    (void)detail;
    return install_wait_is_rolled_out(o);
}

bool install_wait_deployment(const struct install_wait *w, const char *name)
{
    char what[128];
    snprintf(what, sizeof(what), "%s is at work", name);
    return wait_one(w, "/apis/apps/v1/namespaces/" SYSTEM "/deployments", name, what,
                    (struct one){is_rolled_out, NULL});
}

static bool has_roots(const struct doc *o, const char *detail)
{
    (void)detail;
    return doc_string(doc_find(o, "data[\"ca.crt\"]")).len > 0;
}

bool install_wait_trust_bundle(const struct install_wait *w)
{
    return wait_one(w, "/api/v1/namespaces/" SYSTEM "/configmaps", "weft-trust-bundle",
                    "the trust bundle is there", (struct one){has_roots, NULL});
}

static bool has_ca(const struct doc *o, const char *detail)
{
    (void)detail;
    return install_wait_has_ca(o);
}

bool install_wait_webhooks(const struct install_wait *w)
{
#define WEBHOOKS "/apis/admissionregistration.k8s.io/v1/"
    return wait_one(w, WEBHOOKS "mutatingwebhookconfigurations", "weft-injector",
                    "pods of labelled namespaces get sidecars", (struct one){has_ca, NULL}) &&
           wait_one(w, WEBHOOKS "validatingwebhookconfigurations", "weft-injector",
                    "policies are checked before they are stored", (struct one){has_ca, NULL});
#undef WEBHOOKS
}

#define GATEWAY_API "/apis/gateway.networking.k8s.io/v1/"

bool install_wait_gateway_class(const struct install_wait *w)
{
    return wait_one(w, GATEWAY_API "gatewayclasses", "weft", "GatewayClass weft is accepted",
                    (struct one){install_wait_has_condition, "Accepted"});
}

bool install_wait_gateway(const struct install_wait *w, const char *name)
{
    char what[128];
    snprintf(what, sizeof(what), "Gateway %s answers", name);
    return wait_one(w, GATEWAY_API "namespaces/" SYSTEM "/gateways", name, what,
                    (struct one){install_wait_has_condition, "Programmed"});
}

/* ---- CRDs: all of them ---- */

struct crds {
    size_t count;
    char **names; /* of those that are not established yet; NULL once they are */
};

static bool judge_crd(void *owner, const struct doc *object)
{
    struct crds *c = owner;
    bool is_waiting = false;
    for (size_t i = 0; i < c->count; i++) {
        if (c->names[i] && slice_eq_cstr(manifests_name(object), c->names[i]) &&
            install_wait_has_condition(object, "Established")) {
            mem_free(c->names[i]);
            c->names[i] = NULL;
        }
        is_waiting |= c->names[i] != NULL;
    }
    return !is_waiting;
}

bool install_wait_crds(const struct install_wait *w, const struct doc_list *objects)
{
    struct crds c = {.names = mem_zalloc((objects->count + 1) * sizeof(char *))};
    for (size_t i = 0; i < objects->count; i++) {
        struct slice name = manifests_name(objects->items[i]);
        if (slice_eq(manifests_kind(objects->items[i]), SLICE("CustomResourceDefinition")))
            c.names[c.count++] = mem_strndup(name.ptr, name.len);
    }
    bool ok = c.count == 0 ||
              await_objects(w->api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                            SLICE(""), w->timeout_ms, judge_crd, &c);
    for (size_t i = 0; i < c.count; i++)
        mem_free(c.names[i]);
    mem_free(c.names);
    if (!ok)
        step_say(STEP_FAILED, "the CRDs were not established in time");
    return ok;
}
