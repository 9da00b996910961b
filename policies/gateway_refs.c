/* The references of a Gateway's TLS: whether they may, whether they lead somewhere, and whether
 * what is there is of use. Control thread. Must not know which routes use the listener.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/gateway_refs.h"

#include "lib/tls/tls_ctx.h"
#include "policies/gateway_model_priv.h"
#include "policies/grants.h"
#include "policies/kinds/config_map.h"
#include "policies/policy_index.h"

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
    if (!o)
        *why = gateway_model_say(m, false, reasons->invalid, "there is no valid %s %.*s/%.*s", name,
                                 SLICE_ARG(ns), SLICE_ARG(ref->name));
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
                                 "Secret %.*s/%.*s is not of type kubernetes.io/tls", SLICE_ARG(ns),
                                 SLICE_ARG(ref->name));
    else if (s->flaw.len)
        *why = gateway_model_say(m, false, invalid, "Secret %.*s/%.*s: %.*s", SLICE_ARG(ns),
                                 SLICE_ARG(ref->name), SLICE_ARG(s->flaw));
    else
        return s;
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

/* Empty, with the finding, when it cannot be used. */
static struct slice read_authority(struct gateway_model *m,
                                   const struct gateway_certificate_ref *ref,
                                   struct gateway_finding *why)
{
    static const struct reasons reasons = {"InvalidCACertificateRef", "InvalidCACertificateKind"};
    const struct config_map *map =
        (const void *)find(m, &m->gateway->object, ref, KIND_CONFIG_MAP, &reasons, why);
    char detail[TLS_DETAIL_MAX] = "it has no key ca.crt";
    struct tls_ctx *trial = NULL;
    if (!map)
        return SLICE("");
    struct tls_client_config config = {.roots_pem = map->data.ca_pem};
    bool good = map->data.ca_pem.len && !tls_lib_init() &&
                tls_ctx_create_client(&config, &trial, detail) == ERR_OK;
    tls_ctx_unref(trial);
    if (good)
        return map->data.ca_pem;
    struct slice ns = map->object.meta.namespace_name;
    *why = gateway_model_say(m, false, reasons.invalid, "ConfigMap %.*s/%.*s: %s", SLICE_ARG(ns),
                             SLICE_ARG(ref->name), detail);
    return SLICE("");
}

static struct slice join(struct gateway_model *m, struct slice a, struct slice b)
{
    if (!a.len)
        return b;
    return arena_printf(m->arena, "%.*s\n%.*s", SLICE_ARG(a), SLICE_ARG(b));
}

static struct slice read_authorities(struct gateway_model *m, const struct gateway_validation *v,
                                     struct gateway_finding *why)
{
    struct slice all = SLICE("");
    for (SCHEMA_EACH(v->authorities, struct gateway_certificate_ref, ref)) {
        struct gateway_finding bad = {.ok = true};
        struct slice pem = read_authority(m, ref, &bad);
        if (!bad.ok && why->ok)
            *why = bad;
        if (pem.len)
            all = join(m, all, pem);
    }
    return all;
}

struct slice gateway_refs_authorities(struct gateway_model *m, const struct gateway_validation *v)
{
    struct gateway_finding ignored = {.ok = true};
    return read_authorities(m, v, &ignored);
}

/* ---- who refers ---- */

static void add_certificate(struct gateway_model *m, struct gateway_model_listener *l,
                            const struct secret *s)
{
    l->certificates =
        gateway_model_grow(m, l->certificates, l->n_certificates, sizeof(const struct secret *));
    l->certificates[l->n_certificates++] = s;
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
    if (v && v->mode == GATEWAY_INSECURE_FALLBACK)
        m->has_fallback = true;
    if (v && !read_authorities(m, v, &why).len)
        l->accepted = gateway_model_say(m, false, "NoValidCACertificate",
                                        "no certificate of a client could be good: %.*s",
                                        SLICE_ARG(why.text));
    if (!why.ok)
        l->resolved = why;
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
