/* From references to Secrets, ConfigMaps and Services. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/material.h"

#include "lib/codec/text/base64.h"
#include "policies/kinds/config_map.h"
#include "policies/kinds/secret.h"
#include "policies/kinds/selector.h"
#include "policies/store/grants.h"
#include "policies/store/policy_index.h"

static struct slice namespace_of(const struct object *from, const struct schema_ref *ref)
{
    return ref->namespace_name.ptr ? ref->namespace_name : from->meta.namespace_name;
}

static const struct kind *kind_of(enum schema_ref_kind kind)
{
    static const enum kind_id ids[] = {[SCHEMA_REF_SECRET] = KIND_SECRET,
                                       [SCHEMA_REF_CONFIG_MAP] = KIND_CONFIG_MAP,
                                       [SCHEMA_REF_BACKEND] = KIND_SERVICE,
                                       [SCHEMA_REF_CONSUMERS] = KIND_NAMESPACE,
                                       [SCHEMA_REF_URI] = KIND_SERVICE};
    return kind_all[ids[kind]];
}

/* NULL ptr: there is none that is Base64. */
static struct slice value_of_secret(const struct secret *s, struct slice key, struct arena *arena)
{
    size_t len;
    struct slice plain = selector_label(&s->string_data, key);
    struct slice coded = selector_label(&s->data, key);
    if (plain.ptr || !coded.ptr)
        return plain;
    char *bytes = arena_alloc(arena, BASE64_DECODED_MAX(coded.len));
    return base64_decode(coded, bytes, &len) ? (struct slice){NULL, 0} : slice_of(bytes, len);
}

static enum material_fault find_backend(const struct object *o, const struct schema_ref *ref,
                                        struct material *out)
{
    out->backend.service = (const void *)o;
    out->backend.port = o ? service_find_port(out->backend.service, ref->port) : NULL;
    bool is_usable = out->backend.port && !service_is_external(out->backend.service);
    return is_usable ? MATERIAL_OK : MATERIAL_NO_BACKEND;
}

/* Those that the selector chooses, or "shop,*": its own goes first. */
static struct slice namespaces_of(const struct policy_set *set, const struct object *from,
                                  const struct schema_ref *ref, struct arena *arena)
{
    struct slice own = from->meta.namespace_name, all = SLICE("");
    if (ref->from == SCHEMA_REF_FROM_SAME)
        return own;
    if (ref->from == SCHEMA_REF_FROM_ALL)
        return arena_printf(arena, "%.*s,*", SLICE_ARG(own));
    for (size_t i = 0; i < set->all[KIND_NAMESPACE].count; i++) {
        const struct metadata *ns = &set->all[KIND_NAMESPACE].items[i]->meta;
        if (!selector_is_subset(&ref->match_labels, &ns->labels))
            continue;
        bool goes_first = slice_eq(ns->name, own);
        struct slice first = goes_first ? ns->name : all, second = goes_first ? all : ns->name;
        all = all.len ? arena_printf(arena, "%.*s,%.*s", SLICE_ARG(first), SLICE_ARG(second))
                      : ns->name;
    }
    return all;
}

/* "login.shop", "login.shop.svc", "login.shop.svc.cluster.local": the Service, if there is one. */
static const struct object *service_of_host(const struct policy_set *set, struct slice host)
{
    struct slice rest = host, name, ns, svc;
    if (!slice_split(&rest, '.', &name) || !slice_split(&rest, '.', &ns))
        return NULL;
    bool has_more = slice_split(&rest, '.', &svc);
    if (has_more && !slice_eq_cstr(svc, "svc"))
        return NULL;
    if (has_more && rest.len && !slice_eq_cstr(rest, "cluster.local"))
        return NULL;
    return policy_index_find(set, KIND_SERVICE, ns, name);
}

/* What is a Service and is called in the clear is called as one: the mesh's TLS protects it. */
static enum material_fault find_document(const struct policy_set *set, const struct object *from,
                                         const struct schema_ref *ref, struct material *out)
{
    if (!http_uri_read(ref->name, &out->uri))
        return MATERIAL_NO_URI;
    const struct object *o = out->uri.is_tls ? NULL : service_of_host(set, out->uri.host);
    if (!o)
        return MATERIAL_OK;
    if (!grants_allow_object(set, from, o->kind->name, o->meta.namespace_name, o->meta.name))
        return MATERIAL_NOT_PERMITTED;
    struct schema_ref service = {.name = o->meta.name, .port = out->uri.port};
    return find_backend(o, &service, out);
}

enum material_fault material_resolve(const struct policy_set *set, const struct object *from,
                                     enum schema_ref_kind kind, const struct schema_ref *ref,
                                     struct arena *arena, struct material *out)
{
    const struct kind *k = kind_of(kind);
    struct slice ns = namespace_of(from, ref);
    *out = (struct material){0};
    if (kind == SCHEMA_REF_URI)
        return find_document(set, from, ref, out);
    if (kind == SCHEMA_REF_CONSUMERS) {
        out->bytes = namespaces_of(set, from, ref, arena);
        return MATERIAL_OK;
    }
    if (!grants_allow_object(set, from, k->name, ns, ref->name))
        return MATERIAL_NOT_PERMITTED;
    const struct object *o = policy_index_find(set, k->id, ns, ref->name);
    if (kind == SCHEMA_REF_BACKEND)
        return find_backend(o, ref, out);
    if (o && kind == SCHEMA_REF_SECRET)
        out->bytes = value_of_secret((const void *)o, ref->key, arena);
    else if (o)
        out->bytes = selector_label(&((const struct config_map *)(const void *)o)->data, ref->key);
    return out->bytes.ptr ? MATERIAL_OK : MATERIAL_MISSING;
}

static struct slice explain_document(struct arena *arena, const struct schema_ref *ref,
                                     enum material_fault fault)
{
    const char *why = fault == MATERIAL_NOT_PERMITTED
                          ? "is of another namespace, in which no ReferenceGrant lets it be used"
                      : fault == MATERIAL_NO_BACKEND ? "has no such TCP port in the cluster"
                                                     : "is no URI of a document";
    return arena_printf(arena, "the Service of %.*s %s", SLICE_ARG(ref->name), why);
}

struct slice material_explain(struct arena *arena, const struct policy_set *set,
                              const struct object *from, enum schema_ref_kind kind,
                              const struct schema_ref *ref, enum material_fault fault)
{
    char hint[POLICY_INDEX_HINT_MAX];
    if (kind == SCHEMA_REF_URI)
        return explain_document(arena, ref, fault);
    const struct kind *k = kind_of(kind);
    struct slice ns = namespace_of(from, ref);
    if (fault == MATERIAL_NOT_PERMITTED)
        return arena_printf(arena, "no ReferenceGrant in %.*s lets a %s of %.*s refer to %s %.*s",
                            SLICE_ARG(ns), from->kind->name, SLICE_ARG(from->meta.namespace_name),
                            k->name, SLICE_ARG(ref->name));
    if (!policy_index_find(set, k->id, ns, ref->name))
        return arena_printf(arena, "there is no %s %.*s/%.*s%s%s", k->name, SLICE_ARG(ns),
                            SLICE_ARG(ref->name),
                            policy_index_hint(set, k->id, ns, ref->name, hint),
                            k->needs_label
                                ? "; on a cluster, it must have the label " KIND_CREDENTIAL_LABEL
                                : "");
    if (fault == MATERIAL_NO_BACKEND)
        return arena_printf(arena, "Service %.*s/%.*s has no TCP port %d in the cluster",
                            SLICE_ARG(ns), SLICE_ARG(ref->name), (int)ref->port);
    return arena_printf(arena, "%s %.*s/%.*s has no value of use under %.*s", k->name,
                        SLICE_ARG(ns), SLICE_ARG(ref->name), SLICE_ARG(ref->key));
}

const char *material_reason(enum material_fault fault)
{
    static const char *const reasons[] = {
        [MATERIAL_OK] = "ResolvedRefs",
        [MATERIAL_NOT_PERMITTED] = "RefNotPermitted",
        [MATERIAL_MISSING] = "RefNotFound",
        [MATERIAL_NO_BACKEND] = "BackendNotFound",
        [MATERIAL_NO_URI] = "RefNotFound",
    };
    return reasons[fault];
}

/* ---- a whole specification ---- */

struct search {
    const struct policy_set *set;
    const struct object *from;
    struct arena *arena;
    enum material_fault fault;
    struct slice why;
};

static void try_ref(void *owner, enum schema_ref_kind kind, struct schema_ref *ref,
                    const char *path)
{
    struct search *s = owner;
    struct material ignored;
    if (s->fault)
        return;
    s->fault = material_resolve(s->set, s->from, kind, ref, s->arena, &ignored);
    if (s->fault)
        s->why = arena_printf(
            s->arena, "%s: %.*s", path,
            SLICE_ARG(material_explain(s->arena, s->set, s->from, kind, ref, s->fault)));
}

enum material_fault material_check(const struct policy_set *set, const struct object *from,
                                   const struct schema *schema, const void *spec,
                                   struct arena *arena, struct slice *why)
{
    struct search s = {.set = set, .from = from, .arena = arena};
    schema_ref_walk(schema, (void *)(uintptr_t)spec, try_ref, &s); /* which changes nothing */
    *why = s.why;
    return s.fault;
}
