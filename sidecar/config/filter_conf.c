/* Compiling the filters of routes and backends into chains.
 * Control thread. Must not know when a chain runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/filter_conf.h"

#include "filters/chain.h"
#include "filters/prepare.h"
#include "lib/codec/http/message.h"
#include "sidecar/config/cors_conf.h"
#include "sidecar/filters/authz.h"
#include "sidecar/filters/cors.h"
#include "sidecar/filters/header_mutation.h"
#include "sidecar/filters/redirect.h"
#include "sidecar/filters/rewrite.h"

struct chain_build {
    struct filter_entry entries[FILTER_CHAIN_MAX + 1]; /* one too many is refused at the end */
    uint32_t count;
};

static void push(struct chain_build *c, const struct filter *filter, const void *conf)
{
    if (c->count <= FILTER_CHAIN_MAX)
        c->entries[c->count++] = (struct filter_entry){.filter = filter, .conf = conf};
}

static enum err finish(const struct part_build *b, const struct chain_build *c,
                       const struct filter_chain **out)
{
    enum err e = filter_chain_make(&b->part->arena, c->entries, c->count, out);
    return e ? part_refuse(b, "more than %d filters", FILTER_CHAIN_MAX) : ERR_OK;
}

const struct filter_chain *filter_conf_authz(struct part *p, const struct authz *authz)
{
    struct filter_entry entry = {.filter = &filter_authz, .conf = authz};
    const struct filter_chain *chain;
    return filter_chain_make(&p->arena, &entry, authz ? 1 : 0, &chain) ? NULL : chain;
}

/* ---- headers ---- */

/* Framing and the connection belong to the codecs; host is the authority, not a header. */
static bool is_reserved(const struct header_mutation_item *item)
{
    switch (item->id) {
    case HEADER_CONNECTION:
    case HEADER_CONTENT_LENGTH:
    case HEADER_HOST:
    case HEADER_HTTP2_SETTINGS:
    case HEADER_KEEP_ALIVE:
    case HEADER_PROXY_CONNECTION:
    case HEADER_TE:
    case HEADER_TRAILER:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_UPGRADE:
        return true;
    default:
        return false;
    }
}

static enum err take_name(const struct part_build *b, const char *name,
                          struct header_mutation_item *to)
{
    to->name = part_text_lower(b->part, name);
    to->id = (uint16_t)header_id_of(to->name);
    if (!message_name_is_valid(to->name))
        return part_refuse(b, "\"%s\" is not a header name", name);
    return ERR_OK;
}

static enum err take_item(const struct part_build *b, const Weft__Config__V1__HeaderValue *from,
                          struct header_mutation_item *to)
{
    enum err e = take_name(b, from->name, to);
    to->value = part_text(b->part, from->value);
    if (!e && !message_value_is_valid(to->value))
        e = part_refuse(b, "the value for header %s has characters that no header may have",
                        from->name);
    return e;
}

static enum err refuse_reserved(const struct part_build *b, const struct header_mutation_item *item)
{
    return part_refuse(b, "header %.*s cannot be changed: it belongs to the connection",
                       SLICE_ARG(item->name));
}

static enum err take_set(const struct part_build *b, const Weft__Config__V1__HeaderMutation *from,
                         bool is_request, struct header_mutation *to)
{
    struct header_mutation_item *items = part_array(b->part, from->n_set, sizeof(*items));
    to->set = items;
    for (size_t i = 0; i < from->n_set; i++) {
        struct header_mutation_item item = {.id = HEADER_OTHER};
        enum err e = take_item(b, from->set[i], &item);
        if (e)
            return e;
        if (is_request && item.id == HEADER_HOST && message_authority_is_valid(item.value))
            to->authority = item.value;
        else if (is_reserved(&item))
            return refuse_reserved(b, &item);
        else
            items[to->set_count++] = item;
    }
    return ERR_OK;
}

static enum err take_add(const struct part_build *b, const Weft__Config__V1__HeaderMutation *from,
                         struct header_mutation *to)
{
    struct header_mutation_item *items = part_array(b->part, from->n_add, sizeof(*items));
    to->add = items;
    for (size_t i = 0; i < from->n_add; i++) {
        enum err e = take_item(b, from->add[i], &items[i]);
        if (e)
            return e;
        if (is_reserved(&items[i]))
            return refuse_reserved(b, &items[i]);
        to->add_count++;
    }
    return ERR_OK;
}

static enum err take_remove(const struct part_build *b,
                            const Weft__Config__V1__HeaderMutation *from,
                            struct header_mutation *to)
{
    struct header_mutation_item *items = part_array(b->part, from->n_remove, sizeof(*items));
    to->remove = items;
    for (size_t i = 0; i < from->n_remove; i++) {
        enum err e = take_name(b, from->remove[i], &items[i]);
        if (e)
            return e;
        if (is_reserved(&items[i]))
            return refuse_reserved(b, &items[i]);
        to->remove_count++;
    }
    return ERR_OK;
}

static enum err take_mutation(const struct part_build *b,
                              const Weft__Config__V1__HeaderMutation *from, bool is_request,
                              struct header_mutation *to)
{
    if (!from)
        return ERR_OK;
    enum err e = take_set(b, from, is_request, to);
    if (!e)
        e = take_add(b, from, to);
    return e ? e : take_remove(b, from, to);
}

static bool is_empty(const Weft__Config__V1__HeaderMutation *m)
{
    return !m || m->n_set + m->n_add + m->n_remove == 0;
}

static enum err push_mutation(const struct part_build *b,
                              const Weft__Config__V1__HeaderMutation *request,
                              const Weft__Config__V1__HeaderMutation *response,
                              struct chain_build *c)
{
    if (is_empty(request) && is_empty(response))
        return ERR_OK;
    struct header_mutation_conf *conf = part_array(b->part, 1, sizeof(*conf));
    enum err e = take_mutation(b, request, true, &conf->request);
    if (!e)
        e = take_mutation(b, response, false, &conf->response);
    push(c, &filter_header_mutation, conf);
    return e;
}

/* ---- paths and hosts ---- */

static struct slice prefix_of(struct part *p, const Weft__Config__V1__Route *route)
{
    const Weft__Config__V1__StringMatch *path = route->match ? route->match->path : NULL;
    if (route->matched_prefix[0] == '\0' && path &&
        path->kind_case == WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX)
        return part_text(p, path->path_prefix);
    return part_text(p, route->matched_prefix);
}

static enum err take_path(const struct part_build *b, const Weft__Config__V1__PathModifier *from,
                          const Weft__Config__V1__Route *route, struct path_modifier *to)
{
    to->kind = PATH_KEEP;
    if (!from || from->kind_case == WEFT__CONFIG__V1__PATH_MODIFIER__KIND__NOT_SET)
        return ERR_OK;
    if (from->kind_case == WEFT__CONFIG__V1__PATH_MODIFIER__KIND_REPLACE_FULL) {
        to->kind = PATH_REPLACE_FULL;
        to->value = part_text(b->part, from->replace_full);
    } else {
        to->kind = PATH_REPLACE_PREFIX;
        to->value = part_text(b->part, from->replace_prefix);
        to->prefix = prefix_of(b->part, route);
        if (to->prefix.len == 0)
            return part_refuse(b, "replaces a path prefix but matches none");
    }
    if (to->value.len && (to->value.ptr[0] != '/' || !message_path_is_valid(to->value) ||
                          slice_find_byte(to->value, '?') < to->value.len))
        return part_refuse(b, "the new path \"%.*s\" is not a path", SLICE_ARG(to->value));
    return ERR_OK;
}

static enum err take_hostname(const struct part_build *b, const char *from, struct slice *to)
{
    *to = part_text_lower(b->part, from);
    if (to->len && !message_authority_is_valid(*to))
        return part_refuse(b, "\"%s\" is not a host name", from);
    return ERR_OK;
}

/* The route says which prefix is replaced. */
static enum err push_redirect(const struct part_build *b, const Weft__Config__V1__Redirect *from,
                              const Weft__Config__V1__Route *route, uint16_t listener_port,
                              struct chain_build *c)
{
    struct redirect_conf *conf = part_array(b->part, 1, sizeof(*conf));
    conf->scheme = part_text_lower(b->part, from->scheme);
    conf->port = (uint16_t)from->port;
    conf->listener_port = listener_port;
    conf->status = from->status ? (uint16_t)from->status : 302;
    if (from->port > UINT16_MAX)
        return part_refuse(b, "redirect to port %u", from->port);
    if (from->status && (from->status < 301 || from->status > 308 || from->status == 304 ||
                         from->status == 305 || from->status == 306))
        return part_refuse(b, "redirect with status %u", from->status);
    if (conf->scheme.len && !slice_eq(conf->scheme, SLICE("http")) &&
        !slice_eq(conf->scheme, SLICE("https")))
        return part_refuse(b, "redirect to scheme \"%s\"", from->scheme);
    enum err e = take_hostname(b, from->hostname, &conf->hostname);
    if (!e)
        e = take_path(b, from->path, route, &conf->path);
    push(c, &filter_redirect, conf);
    return e;
}

static enum err push_rewrite(const struct part_build *b, const Weft__Config__V1__Rewrite *from,
                             const Weft__Config__V1__Route *route, struct chain_build *c)
{
    struct rewrite_conf *conf = part_array(b->part, 1, sizeof(*conf));
    enum err e = take_hostname(b, from->hostname, &conf->hostname);
    if (!e)
        e = take_path(b, from->path, route, &conf->path);
    push(c, &filter_rewrite, conf);
    return e;
}

/* First of all: a preflight is about nothing else, and it has the last word on answers. */
static enum err push_cors(const struct part_build *b, const Weft__Config__V1__Route *route,
                          struct chain_build *c)
{
    const struct cors_conf *conf;
    if (!route->cors)
        return ERR_OK;
    enum err e = cors_conf_create(b, route->cors, &conf);
    push(c, &filter_cors, conf);
    return e;
}

enum err filter_conf_route(const struct part_build *b, const Weft__Config__V1__Route *route,
                           uint16_t listener_port, const struct filter_chain **out)
{
    struct chain_build c = {.count = 0};
    enum err e = push_cors(b, route, &c);
    if (!e)
        e = push_mutation(b, route->request_headers, route->response_headers, &c);
    if (!e && route->redirect)
        e = push_redirect(b, route->redirect, route, listener_port, &c);
    if (!e && route->rewrite)
        e = push_rewrite(b, route->rewrite, route, &c);
    *out = NULL;
    return e ? e : finish(b, &c, out);
}

enum err filter_conf_backend(const struct part_build *b, const Weft__Config__V1__Route *route,
                             const Weft__Config__V1__WeightedCluster *backend,
                             uint16_t listener_port, const struct filter_chain **out)
{
    struct chain_build c = {.count = 0};
    enum err e = push_mutation(b, backend->request_headers, backend->response_headers, &c);
    if (!e && backend->redirect)
        e = push_redirect(b, backend->redirect, route, listener_port, &c);
    if (!e && backend->rewrite)
        e = push_rewrite(b, backend->rewrite, route, &c);
    *out = NULL;
    return e ? e : finish(b, &c, out);
}
