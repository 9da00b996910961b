/* PeerAuthentication: which mode holds for a port of a workload. The narrowest policy that says
 * something wins: port, workload, namespace, mesh; of two alike the older. Control thread. Must
 * not know of authorization.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"
#include "policies/kinds/namespace.h"
#include "policies/kinds/peer_authentication.h"

typedef enum peer_authentication_mode mode;

static bool is_wide(const struct peer_authentication *p)
{
    return !p->spec.selector || p->spec.selector->match_labels.count == 0;
}

/* Of the policies that choose the pod by its labels. Labels that are not known are taken for any:
 * of what might hold, the strictest does. */
static mode of_workload(const struct object_list *policies, const struct pod *pod, uint16_t port)
{
    mode whole = PEER_AUTHENTICATION_UNSET;
    for (size_t i = 0; i < policies->count; i++) {
        const struct peer_authentication *p = POLICY_AT(policies, struct peer_authentication, i);
        if (is_wide(p) || (pod && !selector_matches(p->spec.selector, &pod->object.meta.labels)))
            continue;
        mode own = peer_authentication_of_port(p, port), all = (mode)p->spec.mtls.mode;
        if (pod && own != PEER_AUTHENTICATION_UNSET)
            return own;
        if (!pod && (own == PEER_AUTHENTICATION_STRICT || all == PEER_AUTHENTICATION_STRICT))
            return PEER_AUTHENTICATION_STRICT;
        if (pod && whole == PEER_AUTHENTICATION_UNSET)
            whole = all;
    }
    return whole;
}

static mode of_namespace(const struct compile *c, struct slice namespace_name)
{
    const struct object_list *policies =
        policy_index_group(c->set, POLICY_GROUP_PEER, namespace_name, SLICE(""));
    for (size_t i = 0; i < policies->count; i++) {
        const struct peer_authentication *p = POLICY_AT(policies, struct peer_authentication, i);
        if (is_wide(p) && p->spec.mtls.mode != PEER_AUTHENTICATION_UNSET)
            return (mode)p->spec.mtls.mode;
    }
    return PEER_AUTHENTICATION_UNSET;
}

PB(MtlsMode)
compile_mtls_mode(struct compile *c, struct slice namespace_name, const struct pod *pod,
                  uint16_t port)
{
    static const PB(MtlsMode) modes[] = {
        [PEER_AUTHENTICATION_UNSET] = WEFT__CONFIG__V1__MTLS_MODE__MTLS_PERMISSIVE,
        [PEER_AUTHENTICATION_PERMISSIVE] = WEFT__CONFIG__V1__MTLS_MODE__MTLS_PERMISSIVE,
        [PEER_AUTHENTICATION_STRICT] = WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT,
        [PEER_AUTHENTICATION_DISABLE] = WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE,
    };
    const struct object_list *own =
        policy_index_group(c->set, POLICY_GROUP_PEER, namespace_name, SLICE(""));
    mode found = of_workload(own, pod, port);
    if (found == PEER_AUTHENTICATION_UNSET)
        found = of_namespace(c, namespace_name);
    if (found == PEER_AUTHENTICATION_UNSET)
        found = of_namespace(c, SLICE(NAMESPACE_ROOT));
    return modes[found];
}

static void note_doubles(struct compile *c, struct slice namespace_name)
{
    const struct object_list *policies =
        policy_index_group(c->set, POLICY_GROUP_PEER, namespace_name, SLICE(""));
    const struct peer_authentication *first = NULL;
    for (size_t i = 0; i < policies->count; i++) {
        const struct peer_authentication *p = POLICY_AT(policies, struct peer_authentication, i);
        if (!is_wide(p) || p->spec.mtls.mode == PEER_AUTHENTICATION_UNSET)
            continue;
        if (first)
            compile_build_note(c, &p->object, 0, "spec.mtls.mode", FINDING_POLICY_CONFLICT,
                               "not in force: %.*s is for the same workloads and comes first",
                               SLICE_ARG(first->object.text));
        else
            first = p;
    }
}

void compile_mtls_note_conflicts(struct compile *c)
{
    note_doubles(c, c->target.namespace_name);
    if (!slice_eq_cstr(c->target.namespace_name, NAMESPACE_ROOT))
        note_doubles(c, SLICE(NAMESPACE_ROOT));
}
