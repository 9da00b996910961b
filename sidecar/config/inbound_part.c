/* Compiling the Inbound message.
 * Control thread; lookups on any. Must not know how connections arrive.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/inbound_part.h"

#include "lib/base/mem.h"
#include "sidecar/config/series_hash.h"

#define PERMISSIVE WEFT__CONFIG__V1__MTLS_MODE__MTLS_PERMISSIVE
#define UNSET WEFT__CONFIG__V1__MTLS_MODE__MTLS_UNSET

/* The multiplier spreads neighbouring ports. */
static uint64_t hash_port(uint16_t port)
{
    return port * 0x9e3779b97f4a7c15u >> 32;
}

const struct inbound_port_conf *inbound_part_port(const struct inbound_part *p, uint16_t port)
{
    uint64_t hash = hash_port(port), at = hash;
    const struct inbound_port_conf *conf;
    while ((conf = lookup_next(&p->by_port, hash, &at))) {
        if (conf->port == port)
            break;
    }
    return conf;
}

static enum err take_port(const struct part_build *b, const Weft__Config__V1__InboundPort *from,
                          Weft__Config__V1__MtlsMode mtls, struct inbound_part *to,
                          struct inbound_port_conf *port)
{
    if (from->port == 0 || from->port > UINT16_MAX)
        return part_refuse(b, "%u is not a port", from->port);
    if (inbound_part_port(to, (uint16_t)from->port))
        return part_refuse(b, "port %u is there twice", from->port);
    *port = (struct inbound_port_conf){
        .port = (uint16_t)from->port,
        .protocol = from->protocol,
        .mtls = from->mtls == UNSET ? mtls : from->mtls,
        .service = part_text(b->part, from->service),
        .service_name = part_text(b->part, from->service_name),
    };
    /* A Service selects workloads of its own namespace only. */
    port->service_namespace =
        slice_sub(to->conf.workload, 0, slice_find_byte(to->conf.workload, '/'));
    port->service_hash =
        series_hash_texts(port->service, port->service_name, port->service_namespace);
    lookup_add(&to->by_port, hash_port(port->port), port);
    return ERR_OK;
}

static enum err take_ports(const struct part_build *b, const Weft__Config__V1__Inbound *from,
                           struct inbound_part *to)
{
    struct inbound_port_conf *ports = part_array(b->part, from->n_ports, sizeof(*ports));
    struct filter_uses *uses = part_array(b->part, from->n_ports, sizeof(*uses));
    to->conf.ports = ports;
    to->uses = uses;
    to->conf.port_count = (uint32_t)from->n_ports;
    lookup_init(&to->by_port, &b->part->arena, from->n_ports);
    for (size_t i = 0; i < from->n_ports; i++) {
        enum err e = take_port(b, from->ports[i], to->conf.mtls, to, &ports[i]);
        if (!e)
            e = filter_names_take(b, &to->names, from->ports[i]->filters,
                                  from->ports[i]->n_filters, to->own, &uses[i]);
        if (e)
            return e;
        ports[i].chain = to->own;
    }
    return filter_names_take(b, &to->names, from->filters, from->n_filters, to->own,
                             &to->other_uses);
}

/* Both the policies and the mTLS modes decide whether a connection may live on. */
static uint64_t hash_rights(const struct inbound_conf *conf, const Weft__Config__V1__Inbound *from)
{
    const char *policies = from->authorization ? from->authorization->spec : "";
    uint64_t hash = slice_hash(slice_from_cstr(policies)) * 31 + (uint64_t)conf->mtls;
    for (uint32_t i = 0; i < conf->port_count; i++)
        hash = (hash * 31 + conf->ports[i].port) * 31 + (uint64_t)conf->ports[i].mtls;
    return hash;
}

static enum err take_inbound(const struct part_build *b, const Weft__Config__V1__Inbound *from,
                             struct inbound_part *to)
{
    to->conf.workload = part_text(b->part, from->workload);
    to->conf.mtls = from->mtls == UNSET ? PERMISSIVE : from->mtls;
    const void *authz;
    enum err e = filter_part_inline(b, from->authorization, &to->own, &authz);
    if (e)
        return e;
    to->conf.authz = authz;
    to->conf.chain = to->own;
    filter_names_begin(&to->names);
    e = take_ports(b, from, to);
    filter_names_end(&to->names);
    if (e)
        return e;
    to->conf.authz_version = hash_rights(&to->conf, from);
    return ERR_OK;
}

static struct inbound_part *create_part(void)
{
    struct inbound_part *p = mem_zalloc(sizeof(*p));
    atomic_init(&p->refs, 1);
    part_init(&p->part);
    return p;
}

enum err inbound_part_create(const Weft__Config__V1__Resource *resource, char *detail,
                             struct inbound_part **out)
{
    struct inbound_part *p = create_part();
    struct part_build b = {&p->part, slice_from_cstr(resource->name), detail};
    enum err e = take_inbound(&b, resource->inbound, p);
    if (e)
        inbound_part_unref(p);
    else
        *out = p;
    return e;
}

struct inbound_part *inbound_part_create_default(void)
{
    struct inbound_part *p = create_part();
    p->conf.mtls = PERMISSIVE;
    lookup_init(&p->by_port, &p->part.arena, 0);
    return p;
}

struct inbound_part *inbound_part_create_closed(void)
{
    /* An ALLOW without rules permits nobody. */
    static char type[] = "authorization", resource_name[] = "inbound",
                spec[] = "{\"policies\":[{\"name\":\"inbound rules that cannot be used\"}]}";
    char ignored[PART_DETAIL_MAX];
    struct inbound_part *p = NULL;
    Weft__Config__V1__Resource resource = WEFT__CONFIG__V1__RESOURCE__INIT;
    Weft__Config__V1__Inbound inbound = WEFT__CONFIG__V1__INBOUND__INIT;
    Weft__Config__V1__Filter nobody = WEFT__CONFIG__V1__FILTER__INIT;
    nobody.type = type;
    nobody.spec = spec;
    inbound.mtls = WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT;
    inbound.authorization = &nobody;
    resource.name = resource_name;
    resource.inbound = &inbound;
    enum err e = inbound_part_create(&resource, ignored, &p);
    (void)e; /* nothing in it can be wrong */
    return p;
}

/* ---- filters ---- */

static void bind_ports(struct inbound_part *to, const struct inbound_part *from)
{
    uint32_t count = from->conf.port_count;
    struct inbound_port_conf *ports = part_array(&to->part, count, sizeof(*ports));
    lookup_init(&to->by_port, &to->part.arena, count);
    for (uint32_t i = 0; i < count; i++) {
        ports[i] = from->conf.ports[i];
        ports[i].chain = filter_names_chain(&from->names, to->filters, from->own, &from->uses[i],
                                            &to->part.arena);
        lookup_add(&to->by_port, hash_port(ports[i].port), &ports[i]);
    }
    to->conf.ports = ports;
    to->conf.chain = filter_names_chain(&from->names, to->filters, from->own, &from->other_uses,
                                        &to->part.arena);
}

struct inbound_part *inbound_part_bind(struct inbound_part *p, filter_find_fn find,
                                       const void *filters)
{
    struct inbound_part *from = p->unbound ? p->unbound : p;
    bool is_bound = p->unbound || from->names.count == 0;
    if (is_bound && filter_names_are_bound(&from->names, p->filters, find, filters))
        return inbound_part_ref(p);
    struct inbound_part *to = create_part();
    to->unbound = inbound_part_ref(from);
    to->conf = from->conf;
    to->filters = filter_names_bind(&from->names, &to->part.arena, find, filters);
    bind_ports(to, from);
    return to;
}

struct inbound_part *inbound_part_ref(struct inbound_part *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void inbound_part_unref(struct inbound_part *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (p->unbound)
        filter_names_release(&p->unbound->names, p->filters);
    inbound_part_unref(p->unbound);
    part_dispose(&p->part);
    mem_free(p);
}
