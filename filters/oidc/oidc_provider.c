/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_provider.h"

#include <stdio.h>

#include "lib/codec/doc/doc_json.h"
#include "lib/codec/http/http_uri.h"

enum { TEXT_MAX = 65536, KEYS_MAX = 8, CACHE_MS = 3600000 };

/* ---- its discovery document ---- */

struct metadata {
    struct published_doc doc; /* first */
    struct slice issuer, authorization, end_session;
    struct oidc_endpoint token; /* cluster empty: it is at a host that we do not know */
    struct published *keys;     /* NULL: likewise */
    bool says_issuer;
};

static bool is_same_origin(const struct http_uri *a, struct slice text)
{
    struct http_uri b;
    return http_uri_read(text, &b) && a->is_tls == b.is_tls && slice_eq(a->authority, b.authority);
}

/* What is at the document's host, or the issuer's, which may be the same one by its public name, is
 * called where the document is. */
static bool is_near(const struct published *from, const struct metadata *m,
                    const struct http_uri *uri)
{
    return is_same_origin(uri, from->uri) || is_same_origin(uri, m->issuer);
}

/* Each jwks_uri that a document has named stays with it; one that names ever new ones is refused.
 */
static struct published *keys_at(struct published *from, struct slice uri)
{
    unsigned count = 0;
    for (const struct published *p = from->derived; p; p = p->next) {
        if (slice_eq(p->uri, uri))
            break;
        count++;
    }
    return count < KEYS_MAX ? jwt_source_of(&from->derived, from->fetch.keep, uri,
                                            from->fetch.cluster, 0)
                            : NULL;
}

static struct slice uri_of(const struct doc *doc, const char *name)
{
    struct http_uri uri;
    struct slice text = doc_string(doc_get(doc, slice_from_cstr(name)));
    return http_uri_read(text, &uri) ? text : SLICE("");
}

static void take_token(const struct published *from, struct slice text, struct metadata *m)
{
    struct http_uri uri;
    if (http_uri_read(text, &uri) && is_near(from, m, &uri))
        m->token = (struct oidc_endpoint){from->fetch.cluster, uri.authority, uri.path};
}

static void take_keys(struct published *from, struct slice text, struct metadata *m)
{
    struct http_uri uri;
    if (http_uri_read(text, &uri) && is_near(from, m, &uri))
        m->keys = keys_at(from, text);
}

/* One at a time for each source, so what it leads to is ours to change. */
static enum err read_metadata(struct published *from, struct slice text, struct published_doc *d,
                              char why[PUBLISHED_WHY_MAX])
{
    struct metadata *m = (struct metadata *)(void *)d;
    const struct doc *doc, *flag;
    struct doc_error error;
    if (doc_json_parse(text, &d->arena, &doc, &error) || doc->type != DOC_OBJECT) {
        snprintf(why, PUBLISHED_WHY_MAX, "is no object in JSON");
        return ERR_INVALID;
    }
    m->issuer = doc_string(doc_get(doc, SLICE("issuer")));
    m->authorization = uri_of(doc, "authorization_endpoint");
    m->end_session = uri_of(doc, "end_session_endpoint");
    if (!m->issuer.len || !m->authorization.len) {
        snprintf(why, PUBLISHED_WHY_MAX, "lacks issuer or authorization_endpoint");
        return ERR_INVALID;
    }
    take_token(from, uri_of(doc, "token_endpoint"), m);
    take_keys(from, uri_of(doc, "jwks_uri"), m);
    flag = doc_get(doc, SLICE("authorization_response_iss_parameter_supported"));
    m->says_issuer = flag && flag->type == DOC_BOOL && flag->boolean;
    return ERR_OK;
}

static const struct published_kind metadata_kind = {
    .filter = "oidc",
    .noun = "metadata",
    .doc_size = sizeof(struct metadata),
    .text_max = TEXT_MAX,
    .read = read_metadata,
};

struct published *oidc_provider_discovery(struct published **list, struct filter_keep *keep,
                                          struct slice uri, struct slice cluster)
{
    return published_of(list, &metadata_kind, keep, uri, cluster, 0);
}

/* ---- both together ---- */

static void take_metadata(struct arena *arena, const struct oidc_conf *c, const struct metadata *m,
                          struct oidc_provider *out)
{
    if (!c->authorization.len)
        out->authorization = arena_copy(arena, m->authorization);
    if (!c->end_session.len)
        out->end_session = arena_copy(arena, m->end_session);
    if (!c->token.path.len)
        out->token = (struct oidc_endpoint){arena_copy(arena, m->token.cluster),
                                            arena_copy(arena, m->token.authority),
                                            arena_copy(arena, m->token.path)};
    if (!c->keys)
        out->keys = m->keys;
    out->says_issuer = m->says_issuer;
}

static const char *fault_of(const struct oidc_provider *p)
{
    if (!p->token.cluster.len)
        return "the discovery document has no token endpoint at its own host: set tokenEndpoint";
    if (!p->keys)
        return "the discovery document has no keys at its own host: set jwks";
    return NULL;
}

enum published_state oidc_provider_find(struct filter_exchange *x, const struct oidc_conf *c,
                                        struct published_wait *wait, struct oidc_provider *out,
                                        const char **why)
{
    struct published_doc *doc = NULL;
    *out = (struct oidc_provider){.authorization = c->authorization, .end_session = c->end_session,
                                  .token = c->token, .keys = c->keys};
    *why = NULL;
    if (c->discovery) {
        enum published_state state = published_take(x, c->discovery, CACHE_MS, wait, &doc);
        *why = "its discovery document cannot be fetched";
        if (state != PUBLISHED_READY)
            return state;
        const struct metadata *m = (const struct metadata *)(const void *)doc;
        bool is_its = slice_eq(m->issuer, c->issuer);
        take_metadata(x->arena, c, m, out);
        published_doc_unref(doc);
        *why = is_its ? NULL : "its discovery document is of another issuer";
    }
    *why = *why ? *why : fault_of(out);
    return *why ? PUBLISHED_NONE : PUBLISHED_READY;
}
