/* TLS of a gateway's port: from certificates and settings to contexts, which stay when what they
 * were made of stays. Control thread. Must not know which listener a connection chooses.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/gateway_tls.h"

#include <strings.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/tls/tls_ctx.h"
#include "lib/tls/tls_roots.h"
#include "lib/tls/tls_suites.h"

#define HTTPS WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS
#define TLS WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS
#define TLS_1_3 WEFT__CONFIG__V1__TLS_VERSION__TLS_VERSION_1_3

static const char *const no_names[] = {NULL};

/* ---- what a context is made of ---- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash * 31 + slice_hash(slice_from_cstr(text));
}

/* A certificate says by the listener's host name whose it is. */
static bool is_for(const Weft__Config__V1__Certificate *c,
                   const Weft__Config__V1__GatewayListener *listener)
{
    const char *name = listener->hostname[0] ? listener->hostname : "*";
    for (size_t i = 0; i < c->n_names; i++)
        if (strcasecmp(c->names[i], name) == 0)
            return true;
    return false;
}

/* Of those of one listener, or of all (NULL). */
static uint64_t hash_certificates(const Weft__Config__V1__GatewayPort *from,
                                  const Weft__Config__V1__GatewayListener *listener)
{
    uint64_t hash = from->n_certificates;
    for (size_t i = 0; i < from->n_certificates; i++) {
        const Weft__Config__V1__Certificate *c = from->certificates[i];
        if (listener && !is_for(c, listener))
            continue;
        hash = hash_text(hash, c->cert_chain_pem);
        hash = hash_text(hash, c->key_pem);
        for (size_t j = 0; j < c->n_names; j++)
            hash = hash_text(hash, c->names[j]);
    }
    return hash;
}

static uint64_t hash_port(const Weft__Config__V1__GatewayPort *from)
{
    uint64_t hash = hash_certificates(from, NULL);
    if (!from->client_validation)
        return hash;
    hash = hash * 31 + 1 + (uint64_t)from->client_validation->insecure_fallback;
    return hash_text(hash, from->client_validation->ca_pem);
}

static uint64_t hash_listener(const Weft__Config__V1__GatewayPort *port,
                              const Weft__Config__V1__GatewayListener *from)
{
    size_t len = weft__config__v1__listener_tls__get_packed_size(from->tls);
    uint8_t *packed = mem_alloc(len + 1);
    weft__config__v1__listener_tls__pack(from->tls, packed);
    uint64_t hash = hash_certificates(port, from) * 31 + slice_hash(slice_of(packed, len));
    mem_free(packed);
    return hash * 31 + (uint64_t)from->protocol;
}

static void take_certificates(const struct part_build *b, const Weft__Config__V1__GatewayPort *from,
                              const Weft__Config__V1__GatewayListener *listener,
                              struct tls_public_config *to)
{
    struct tls_public_cert *certs = part_array(b->part, from->n_certificates, sizeof(*certs));
    to->certs = certs;
    for (size_t i = 0; i < from->n_certificates; i++) {
        const Weft__Config__V1__Certificate *c = from->certificates[i];
        if (listener && !is_for(c, listener))
            continue;
        struct slice *names = part_array(b->part, c->n_names, sizeof(*names));
        for (size_t j = 0; j < c->n_names; j++)
            names[j] = part_text_lower(b->part, c->names[j]);
        certs[to->cert_count++] = (struct tls_public_cert){
            .cert_chain_pem = slice_from_cstr(c->cert_chain_pem),
            .key_pem = slice_from_cstr(c->key_pem),
            .names = names,
            .name_count = c->n_names,
        };
    }
}

static void take_validation(const Weft__Config__V1__ClientValidation *from,
                            struct tls_public_config *to)
{
    if (!from)
        return;
    to->ask_client = true;
    to->client_roots_pem = slice_from_cstr(from->ca_pem);
    to->client_optional = from->insecure_fallback || from->optional;
    to->client_bad_refused = !from->insecure_fallback;
    to->limits_client_path = from->issuers_max > 0;
    to->client_path_max = from->issuers_max ? from->issuers_max - 1 : 0;
}

static enum err make_context(const struct part_build *b, const char *name,
                             struct tls_public_config *config, struct tls_ctx **out)
{
    char why[TLS_DETAIL_MAX] = "";
    struct tls_roots_report report = {0};
    config->roots_report = &report;
    if (tls_ctx_create_public(config, out, why))
        return part_refuse(b, "certificates: %s", why);
    if (report.text[0] && report.usable)
        LOG_W("config", "%s: of the authorities for clients are left out: %s", name, report.text);
    else if (report.text[0])
        LOG_E("config", "%s: no certificate of a client can be good: %s", name, report.text);
    return ERR_OK;
}

/* ---- a listener's own ---- */

static enum err take_suites(const struct part_build *b, const Weft__Config__V1__ListenerTls *from,
                            struct tls_public_config *to)
{
    const struct tls_suite **suites = part_array(b->part, from->n_ciphers, sizeof(*suites));
    const struct tls_group **groups = part_array(b->part, from->n_groups, sizeof(*groups));
    for (size_t i = 0; i < from->n_ciphers; i++)
        if (!(suites[i] = tls_suite_find(slice_from_cstr(from->ciphers[i]))))
            return part_refuse(b, "tls: \"%s\" is no cipher suite", from->ciphers[i]);
    for (size_t i = 0; i < from->n_groups; i++)
        if (!(groups[i] = tls_group_find(slice_from_cstr(from->groups[i]))))
            return part_refuse(b, "tls: \"%s\" is no group", from->groups[i]);
    to->suites = suites;
    to->suite_count = from->n_ciphers;
    to->groups = groups;
    to->group_count = from->n_groups;
    to->no_tls12 = from->min_version == TLS_1_3;
    to->no_tls13 = from->max_version != TLS_1_3;
    if ((unsigned)from->min_version > TLS_1_3 || from->min_version > from->max_version)
        return part_refuse(b, "tls: no version is left");
    return ERR_OK;
}

static const char *const *take_alpn(const struct part_build *b,
                                    const Weft__Config__V1__GatewayListener *from)
{
    if (from->protocol != HTTPS)
        return no_names;
    const char **names = part_array(b->part, from->tls->n_alpn + 1, sizeof(*names));
    for (size_t i = 0; i < from->tls->n_alpn; i++)
        names[i] = from->tls->alpn[i];
    return names;
}

static struct slice join(const struct part_build *b, char *const *names, size_t count)
{
    struct slice all = {"", 0};
    for (size_t i = 0; i < count; i++)
        all = arena_printf(&b->part->arena, "%.*s%s%s", SLICE_ARG(all), i ? "," : "", names[i]);
    return all;
}

static struct listener_tls_conf *describe(const struct part_build *b,
                                          const Weft__Config__V1__ListenerTls *from)
{
    const Weft__Config__V1__ClientValidation *v = from->client_validation;
    static const char *const versions[] = {"1.2", "1.3"};
    struct listener_tls_conf *to = part_array(b->part, 1, sizeof(*to));
    to->versions = arena_printf(&b->part->arena, "%s-%s", versions[from->min_version == TLS_1_3],
                                versions[from->max_version == TLS_1_3]);
    to->ciphers = join(b, from->ciphers, from->n_ciphers);
    to->groups = join(b, from->groups, from->n_groups);
    to->alpn = join(b, from->alpn, from->n_alpn);
    to->clients = !v                     ? "none"
                  : v->insecure_fallback ? "fallback"
                  : v->optional          ? "optional"
                                         : "required";
    to->issuers_max = v ? v->issuers_max : 0;
    return to;
}

/* Under its name. */
static const struct gateway_listener_conf *find_listener(const struct gateway_conf *g,
                                                         struct slice name)
{
    for (uint32_t i = 0; g && i < g->listener_count; i++)
        if (slice_eq(g->listeners[i].name, name))
            return &g->listeners[i];
    return NULL;
}

enum err gateway_tls_listener(const struct part_build *b, const Weft__Config__V1__GatewayPort *port,
                              const Weft__Config__V1__GatewayListener *from,
                              const struct gateway_conf *before, struct gateway_listener_conf *to)
{
    struct tls_public_config config = {0};
    const struct gateway_listener_conf *old = find_listener(before, to->name);
    if (!from->tls || from->passthrough || (from->protocol != HTTPS && from->protocol != TLS))
        return ERR_OK;
    struct listener_tls_conf *own = describe(b, from->tls);
    own->hash = hash_listener(port, from);
    to->own_tls = own;
    take_certificates(b, port, from, &config);
    if (!config.cert_count)
        return ERR_OK; /* refused at the hello */
    if (old && old->tls && old->own_tls->hash == own->hash) {
        to->tls = tls_ctx_ref(old->tls);
        return ERR_OK;
    }
    enum err e = take_suites(b, from->tls, &config);
    if (e)
        return e;
    config.alpn = take_alpn(b, from);
    take_validation(from->tls->client_validation, &config);
    return make_context(b, from->name, &config, &to->tls);
}

/* ---- the port's ---- */

static enum err make_port_context(const struct part_build *b,
                                  const Weft__Config__V1__GatewayPort *from,
                                  const char *const *alpn, struct tls_ctx **out)
{
    struct tls_public_config config = {.alpn = alpn};
    take_certificates(b, from, NULL, &config);
    take_validation(from->client_validation, &config);
    return make_context(b, from->name, &config, out);
}

/* What its listeners need that have no settings of their own; where none are told apart, what the
 * port speaks. */
static void find_needs(const Weft__Config__V1__GatewayPort *from, bool *http, bool *bytes)
{
    *http = from->n_listeners == 0 && from->protocol == HTTPS;
    *bytes = false;
    for (size_t i = 0; i < from->n_listeners; i++) {
        const Weft__Config__V1__GatewayListener *l = from->listeners[i];
        *http |= l->protocol == HTTPS && !l->tls;
        *bytes |= l->protocol == TLS && !l->passthrough && !l->tls;
    }
}

static struct tls_ctx *keep(struct tls_ctx *before, bool same)
{
    return before && same ? tls_ctx_ref(before) : NULL;
}

/* Certificates of clients are asked for wherever TLS ends here. What a TLS listener carries has no
 * name for ALPN. */
enum err gateway_tls_port(const struct part_build *b, const Weft__Config__V1__GatewayPort *from,
                          const struct routed_core *before, struct routed_core *to)
{
    static const char *const http_names[] = {"h2", "http/1.1", NULL};
    struct gateway_conf *g = &to->gateway;
    bool http, bytes;
    enum err e = ERR_OK;
    find_needs(from, &http, &bytes);
    to->tls_hash = hash_port(from);
    bool same = before && before->tls_hash == to->tls_hash;
    g->tls = keep(http && before ? before->gateway.tls : NULL, same);
    g->tls_bytes = keep(bytes && before ? before->gateway.tls_bytes : NULL, same);
    /* Listeners that lack their certificates are refused at the hello. */
    if (from->n_certificates == 0 && from->n_listeners)
        return ERR_OK;
    if (from->n_certificates == 0 && (http || bytes))
        return part_refuse(b, "TLS ends here, and there is no certificate");
    if (http && !g->tls)
        e = make_port_context(b, from, http_names, &g->tls);
    if (!e && bytes && !g->tls_bytes)
        e = make_port_context(b, from, no_names, &g->tls_bytes);
    return e;
}

void gateway_tls_release(const struct gateway_conf *g)
{
    tls_ctx_unref(g->tls);
    tls_ctx_unref(g->tls_bytes);
    for (uint32_t i = 0; i < g->listener_count; i++)
        tls_ctx_unref(g->listeners[i].tls);
}
