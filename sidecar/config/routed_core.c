/* Compiling Destination and GatewayPort messages.
 * Control thread. Must not know which clusters there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/tls/tls_ctx.h"
#include "sidecar/config/authz_conf.h"
#include "sidecar/config/filter_conf.h"
#include "sidecar/config/routed.h"
#include "sidecar/route/host.h"

static struct routed_core *create_core(bool is_gateway)
{
    struct routed_core *c = mem_zalloc(sizeof(*c));
    atomic_init(&c->refs, 1);
    part_init(&c->part);
    c->is_gateway = is_gateway;
    return c;
}

/* ---- destinations ---- */

static enum err take_addresses(const struct part_build *b,
                               const Weft__Config__V1__Destination *from, struct routed_core *to)
{
    struct addr *addresses = part_array(b->part, from->n_addresses, sizeof(*addresses));
    to->addresses = addresses;
    to->address_count = (uint32_t)from->n_addresses;
    for (size_t i = 0; i < from->n_addresses; i++) {
        if (addr_parse(slice_from_cstr(from->addresses[i]), &addresses[i]) || !addresses[i].port)
            return part_refuse(b, "\"%s\" is not an address with a port", from->addresses[i]);
    }
    return ERR_OK;
}

static enum err take_hosts(const struct part_build *b, const Weft__Config__V1__Destination *from,
                           struct routed_core *to)
{
    struct slice *hosts = part_array(b->part, from->n_hosts, sizeof(*hosts));
    to->hosts = hosts;
    to->host_count = (uint32_t)from->n_hosts;
    for (size_t i = 0; i < from->n_hosts; i++) {
        hosts[i] = part_text_lower(b->part, from->hosts[i]);
        if (hosts[i].len == 0 || hosts[i].len > HOST_MAX)
            return part_refuse(b, "\"%s\" is not a host name", from->hosts[i]);
    }
    return ERR_OK;
}

static enum err take_destination(const struct part_build *b,
                                 const Weft__Config__V1__Destination *from, struct routed_core *to)
{
    struct route_plan_source routes = {
        .hosts = from->virtual_hosts,
        .host_count = from->n_virtual_hosts,
        .default_cluster = from->default_cluster,
        .port = (uint16_t)from->port,
    };
    if (from->port == 0 || from->port > UINT16_MAX)
        return part_refuse(b, "%u is not a port", from->port);
    to->destination = (struct destination_conf){
        .name = part_text(b->part, from->name),
        .port = (uint16_t)from->port,
        .protocol = from->protocol,
    };
    enum err e = take_addresses(b, from, to);
    if (!e)
        e = take_hosts(b, from, to);
    return e ? e : route_plan_create(b, &routes, &to->plan);
}

enum err routed_core_create_destination(const Weft__Config__V1__Resource *resource, char *detail,
                                        struct routed_core **out)
{
    struct routed_core *c = create_core(false);
    struct part_build b = {&c->part, slice_from_cstr(resource->name), detail};
    enum err e = take_destination(&b, resource->destination, c);
    if (e)
        routed_core_unref(c);
    else
        *out = c;
    return e;
}

/* ---- gateways ---- */

static uint64_t hash_certificates(const Weft__Config__V1__GatewayPort *from)
{
    uint64_t hash = from->n_certificates;
    for (size_t i = 0; i < from->n_certificates; i++) {
        const Weft__Config__V1__Certificate *c = from->certificates[i];
        hash = hash * 31 + slice_hash(slice_from_cstr(c->cert_chain_pem));
        hash = hash * 31 + slice_hash(slice_from_cstr(c->key_pem));
        for (size_t j = 0; j < c->n_names; j++)
            hash = hash * 31 + slice_hash(slice_from_cstr(c->names[j]));
    }
    return hash;
}

static enum err make_tls(const struct part_build *b, const Weft__Config__V1__GatewayPort *from,
                         struct tls_ctx **out)
{
    static const char *const alpn[] = {"h2", "http/1.1", NULL};
    char why[TLS_DETAIL_MAX] = "";
    struct tls_public_cert *certs = part_array(b->part, from->n_certificates, sizeof(*certs));
    for (size_t i = 0; i < from->n_certificates; i++) {
        const Weft__Config__V1__Certificate *c = from->certificates[i];
        struct slice *names = part_array(b->part, c->n_names, sizeof(*names));
        for (size_t j = 0; j < c->n_names; j++)
            names[j] = part_text_lower(b->part, c->names[j]);
        certs[i] = (struct tls_public_cert){
            .cert_chain_pem = slice_from_cstr(c->cert_chain_pem),
            .key_pem = slice_from_cstr(c->key_pem),
            .names = names,
            .name_count = c->n_names,
        };
    }
    struct tls_public_config config = {
        .certs = certs, .cert_count = from->n_certificates, .alpn = alpn};
    if (tls_ctx_create_public(&config, out, why))
        return part_refuse(b, "certificates: %s", why);
    return ERR_OK;
}

static enum err take_tls(const struct part_build *b, const Weft__Config__V1__GatewayPort *from,
                         const struct routed_core *before, struct routed_core *to)
{
    if (from->protocol != WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS)
        return ERR_OK;
    if (from->n_certificates == 0)
        return part_refuse(b, "HTTPS without a certificate");
    to->certificates_hash = hash_certificates(from);
    if (before && before->gateway.tls && before->certificates_hash == to->certificates_hash) {
        to->gateway.tls = tls_ctx_ref(before->gateway.tls);
        return ERR_OK;
    }
    return make_tls(b, from, &to->gateway.tls);
}

static enum err take_gateway(const struct part_build *b, const Weft__Config__V1__GatewayPort *from,
                             const struct routed_core *before, struct routed_core *to)
{
    struct route_plan_source routes = {
        .hosts = from->virtual_hosts,
        .host_count = from->n_virtual_hosts,
        .default_cluster = "",
        .port = (uint16_t)from->port,
    };
    const struct authz *authz;
    if (from->port == 0 || from->port > UINT16_MAX)
        return part_refuse(b, "%u is not a port", from->port);
    to->gateway.name = part_text(b->part, from->name);
    to->gateway.port = (uint16_t)from->port;
    to->gateway.protocol = from->protocol;
    enum err e = authz_conf_create(b, from->authz, from->n_authz, &authz);
    if (e)
        return e;
    to->gateway.chain = filter_conf_authz(b->part, authz);
    e = take_tls(b, from, before, to);
    return e ? e : route_plan_create(b, &routes, &to->plan);
}

enum err routed_core_create_gateway(const Weft__Config__V1__Resource *resource,
                                    const struct routed_core *before, char *detail,
                                    struct routed_core **out)
{
    struct routed_core *c = create_core(true);
    struct part_build b = {&c->part, slice_from_cstr(resource->name), detail};
    enum err e = take_gateway(&b, resource->gateway, before, c);
    if (e)
        routed_core_unref(c);
    else
        *out = c;
    return e;
}
