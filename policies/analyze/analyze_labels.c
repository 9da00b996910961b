/* Labels and annotations that people bring along from elsewhere, and that nobody reads here.
 * Control thread. Must not know what an injector does with those that count.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/similar.h"
#include "policies/analyze/analyze_priv.h"
#include "policies/kinds/ingress.h"
#include "policies/kinds/selector.h"

#define INJECT "weft.dev/inject"

/* What asks others for a sidecar. */
static bool asks_elsewhere(struct slice key)
{
    static const char *const keys[] = {
        "istio-injection",      "istio.io/rev",          "sidecar.istio.io/inject",
        "linkerd.io/inject",    "istio.io/dataplane-mode", "kuma.io/sidecar-injection",
        "kuma.io/mesh-injection", "consul.hashicorp.com/connect-inject",
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (slice_eq_cstr(key, keys[i]))
            return true;
    return false;
}

/* Settings of other Ingress controllers. */
static bool is_of_ingress(struct slice key)
{
    static const char *const groups[] = {
        "nginx.ingress.kubernetes.io/", "nginx.org/",       "konghq.com/",
        "traefik.ingress.kubernetes.io/", "haproxy.org/",   "haproxy-ingress.github.io/",
        "alb.ingress.kubernetes.io/",   "appgw.ingress.kubernetes.io/",
    };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (slice_starts_with(key, slice_from_cstr(groups[i])))
            return true;
    return false;
}

/* "injected", "Inject", "inject " … under our name. */
static bool is_misspelt(struct slice key)
{
    struct similar near = similar_to(SLICE(INJECT));
    similar_try(&near, key);
    return near.best.len && !slice_eq_cstr(key, INJECT) &&
           slice_starts_with(key, SLICE("weft.dev/"));
}

static void judge(struct analyze *a, const struct object *o, const struct schema_list *pairs,
                  const char *path, bool is_ingress)
{
    bool decided = selector_label(&o->meta.labels, SLICE(INJECT)).ptr ||
                   selector_label(&o->meta.annotations, SLICE(INJECT)).ptr;
    for (SCHEMA_EACH(*pairs, struct schema_pair, p)) {
        bool inject = slice_eq_cstr(p->key, INJECT);
        if (inject && !slice_eq_cstr(p->value, "enabled") && !slice_eq_cstr(p->value, "disabled"))
            analyze_say(a, FINDING_INJECT_VALUE, o, 0, path,
                        INJECT ": \"%.*s\" is neither enabled nor disabled, so there is no sidecar",
                        SLICE_ARG(p->value));
        else if (is_misspelt(p->key))
            analyze_say(a, FINDING_INJECT_VALUE, o, 0, path,
                        "%.*s has no effect; did you mean " INJECT "?", SLICE_ARG(p->key));
        else if (!decided && asks_elsewhere(p->key))
            analyze_say(a, FINDING_HABIT, o, 0, path,
                        "%.*s has no effect here: the label for a sidecar is " INJECT ": enabled",
                        SLICE_ARG(p->key));
        else if (is_ingress && is_of_ingress(p->key))
            analyze_say(a, FINDING_HABIT, o, 0, path,
                        "%.*s has no effect here: an HTTPRoute, TrafficPolicy or ListenerPolicy "
                        "says it",
                        SLICE_ARG(p->key));
    }
}

static void judge_all(struct analyze *a, const struct object_list *all, bool is_ingress)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct object *o = all->items[i];
        if (analyze_is_system(o) ||
            (is_ingress && !ingress_is_ours((const struct ingress *)(const void *)o)))
            continue;
        judge(a, o, &o->meta.labels, "metadata.labels", is_ingress);
        judge(a, o, &o->meta.annotations, "metadata.annotations", is_ingress);
    }
}

void analyze_labels(struct analyze *a)
{
    judge_all(a, &a->set->all[KIND_NAMESPACE], false);
    judge_all(a, &a->set->all[KIND_POD], false);
    judge_all(a, &a->set->templates, false);
    judge_all(a, &a->set->all[KIND_INGRESS], true);
}
