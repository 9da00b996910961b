/* The references of a Gateway's TLS: whether they may, whether they lead somewhere, and whether
 * what is there is of use. Control thread. Must not know which routes use the listener.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/gateway/gateway_refs.h"

#include "lib/tls/tls_roots.h"
#include "policies/gateway/gateway_model_priv.h"
#include "policies/store/grants.h"
#include "policies/kinds/config_map.h"
#include "policies/store/policy_index.h"

/* The reasons of who refers. */
struct reasons {
    const char *invalid, *wrong_kind;
};

static struct slice namespace_of(const struct object *owner,
                                 const struct gateway_certificate_ref *ref)
{
    return ref->namespace_name.ptr ? ref->namespace_name : owner->meta.namespace_name;
}

/* NULL, with the finding, when the reference leads nowhere. */
static const struct object *find(struct gateway_model *m, const struct object *owner,
                                 const struct gateway_certificate_ref *ref, enum kind_id kind,
                                 const struct reasons *reasons, struct gateway_finding *why)
{
    struct slice ns = namespace_of(owner, ref), own = owner->meta.namespace_name;
    const char *name = kind_all[kind]->name;
    if (ref->group.len || !slice_eq_cstr(ref->kind, name)) {
        *why = gateway_model_say(m, false, reasons->wrong_kind,
                                 "a reference to a %.*s%s%.*s is of no use here; what is, is a %s",
                                 SLICE_ARG(ref->kind), ref->group.len ? " of " : "",
                                 SLICE_ARG(ref->group), name);
        return NULL;
    }
    if (!grants_allow(m->set, owner->kind->name, own, name, ns, ref->name)) {
        *why = gateway_model_say(m, false, "RefNotPermitted",
                                 "no ReferenceGrant in %.*s lets a %s of %.*s refer to %s %.*s",
                                 SLICE_ARG(ns), owner->kind->name, SLICE_ARG(own), name,
                                 SLICE_ARG(ref->name));
        return NULL;
    }
    const struct object *o = policy_index_find(m->set, kind, ns, ref->name);
    /* policyd does not watch Secrets of other types: they are none of its business. */
    const char *more = kind == KIND_SECRET ? "; it must be of type kubernetes.io/tls" : "";
    if (!o)
        *why = gateway_model_say(m, false, reasons->invalid, "there is no valid %s %.*s/%.*s%s",
                                 name, SLICE_ARG(ns), SLICE_ARG(ref->name), more);
    return o;
}

static const struct secret *find_secret(struct gateway_model *m, const struct object *owner,
                                        const struct gateway_certificate_ref *ref,
                                        const char *invalid, struct gateway_finding *why)
{
    struct reasons reasons = {invalid, invalid};
    const struct secret *s = (const void *)find(m, owner, ref, KIND_SECRET, &reasons, why);
    if (!s)
        return NULL;
    struct slice ns = namespace_of(owner, ref);
    if (!slice_eq_cstr(s->type, "kubernetes.io/tls"))
        *why = gateway_model_say(m, false, invalid,
                                 "Secret %.*s/%.*s must be of type kubernetes.io/tls, and is of "
                                 "type %.*s: make it anew with `kubectl create secret tls`",
                                 SLICE_ARG(ns), SLICE_ARG(ref->name), SLICE_ARG(s->type));
    else if (s->flaw.len)
        *why = gateway_model_say(m, false, invalid, "Secret %.*s/%.*s: %.*s", SLICE_ARG(ns),
                                 SLICE_ARG(ref->name), SLICE_ARG(s->flaw));
    else
        return s;
    if (s->is_placeholder)
        why->finding = FINDING_CERTIFICATE_PLACEHOLDER;
    return NULL;
}

/* ---- authorities ---- */

const struct gateway_validation *gateway_refs_validation(const struct gateway *gateway,
                                                         int64_t port)
{
    const struct gateway_frontend_tls *frontend = gateway->spec.tls.frontend;
    if (!frontend)
        return NULL;
    for (SCHEMA_EACH(frontend->ports, struct gateway_port_tls, p))
        if (p->port == port)
            return p->tls.validation;
    return frontend->fallback.validation;
}

/* What is read of lists of authorities. */
struct authorities {
    struct slice pem;           /* all that are of use */
    struct gateway_finding why; /* the first fault */
    struct slice left_out;      /* of lists that are of use: members that are not; empty: none */
};

/* Empty, with the finding, when it cannot be used. */
static struct slice read_authority(struct gateway_model *m, const struct object *owner,
                                   const struct gateway_certificate_ref *ref,
                                   struct authorities *to)
{
    static const struct reasons reasons = {"InvalidCACertificateRef", "InvalidCACertificateKind"};
    struct gateway_finding bad = {.ok = true};
    const struct config_map *map =
        (const void *)find(m, owner, ref, KIND_CONFIG_MAP, &reasons, &bad);
    struct tls_roots_report report = {.text = "it has no key ca.crt"};
    struct tls_roots *roots = NULL;
    bool good = map && map->ca_pem.len && !tls_lib_init() &&
                tls_roots_create(map->ca_pem, &roots, &report) == ERR_OK;
    tls_roots_unref(roots);
    if (map && !good)
        bad = gateway_model_say(m, false, reasons.invalid, "ConfigMap %.*s/%.*s: %s",
                                SLICE_ARG(map->object.meta.namespace_name), SLICE_ARG(ref->name),
                                report.text);
    if (!bad.ok && to->why.ok)
        to->why = bad;
    if (good && report.skipped && !to->left_out.len)
        to->left_out = arena_printf(m->arena, "ConfigMap %.*s/%.*s: left out: %s",
                                    SLICE_ARG(map->object.meta.namespace_name),
                                    SLICE_ARG(ref->name), report.text);
    return good ? map->ca_pem : SLICE("");
}

static struct slice join(struct gateway_model *m, struct slice a, struct slice b)
{
    if (!a.len)
        return b;
    return arena_printf(m->arena, "%.*s\n%.*s", SLICE_ARG(a), SLICE_ARG(b));
}

static struct authorities read_authorities(struct gateway_model *m, const struct object *owner,
                                           const struct schema_list *refs)
{
    struct authorities all = {SLICE(""), {.ok = true}, SLICE("")};
    for (SCHEMA_EACH(*refs, struct gateway_certificate_ref, ref)) {
        struct slice pem = read_authority(m, owner, ref, &all);
        if (pem.len)
            all.pem = join(m, all.pem, pem);
    }
    return all;
}

struct slice gateway_refs_authorities(struct gateway_model *m, const struct gateway_validation *v)
{
    return read_authorities(m, &m->gateway->object, &v->authorities).pem;
}

struct slice gateway_refs_pem(struct gateway_model *m, const struct object *owner,
                              const struct schema_list *refs, struct gateway_finding *why)
{
    struct authorities all = read_authorities(m, owner, refs);
    *why = all.why;
    return all.pem;
}

/* ---- who refers ---- */

static void add_certificate(struct gateway_model *m, struct gateway_model_listener *l,
                            const struct secret *s)
{
    l->certificates =
        gateway_model_grow(m, l->certificates, l->n_certificates, sizeof(const struct secret *));
    l->certificates[l->n_certificates++] = s;
}

static void judge_clients(struct gateway_model *m, struct gateway_model_listener *l,
                          const struct gateway_validation *v, struct gateway_finding *why)
{
    struct authorities all = read_authorities(m, &m->gateway->object, &v->authorities);
    if (v->mode == GATEWAY_INSECURE_FALLBACK)
        m->has_fallback = true;
    if (why->ok)
        *why = all.why;
    l->left_out = all.left_out;
    if (!all.pem.len)
        l->accepted = gateway_model_say(m, false, "NoValidCACertificate",
                                        "no certificate of a client could be good: %.*s",
                                        SLICE_ARG(why->text));
}

void gateway_refs_listener(struct gateway_model *m, struct gateway_model_listener *l)
{
    struct gateway_finding why = {.ok = true};
    for (SCHEMA_EACH(l->from->tls->certificates, struct gateway_certificate_ref, ref)) {
        struct gateway_finding bad = {.ok = true};
        const struct secret *s = find_secret(m, l->owner, ref, "InvalidCertificateRef", &bad);
        if (s)
            add_certificate(m, l, s);
        else if (why.ok)
            why = bad;
    }
    const struct gateway_validation *v = gateway_refs_validation(m->gateway, l->from->port);
    if (v)
        judge_clients(m, l, v, &why);
    if (!why.ok)
        l->resolved = why;
    else if (l->left_out.len)
        l->resolved = gateway_model_say(m, true, l->resolved.reason, "%.*s; %.*s",
                                        SLICE_ARG(l->resolved.text), SLICE_ARG(l->left_out));
}

void gateway_refs_client(struct gateway_model *m)
{
    const struct gateway_backend_tls *backend = m->gateway->spec.tls.backend;
    struct gateway_finding why = {.ok = true};
    if (!backend || !backend->client_certificate)
        return;
    m->client_certificate = find_secret(m, &m->gateway->object, backend->client_certificate,
                                        "InvalidClientCertificateRef", &why);
    if (!why.ok)
        m->resolved = gateway_model_say(
            m, false, why.reason, "tls.backend.clientCertificateRef: %.*s", SLICE_ARG(why.text));
}
