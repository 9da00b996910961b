/* responseRewrite: what a backend says of itself is made true for clients: redirects to addresses
 * that only the inside knows, and cookies for its own domain and paths, as nginx's proxy_redirect,
 * proxy_cookie_domain and proxy_cookie_path do.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/shape/public_url.h"
#include "filters/strip.h"
#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

struct response_rewrite_spec {
    struct slice public_prefix, backend_prefix, cookie_domain;
    struct schema_list hosts; /* struct slice */
    bool tells_prefix;
};

static const struct schema_field host_element = {.type = SCHEMA_STRING, .min = 1, .max = 253};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct response_rewrite_spec, public_prefix, "publicPrefix", STRING,
                 "Where clients find the backend: \"/airflow\".", .text = "/", .min = 1,
                 .max = 1024, .format = &schema_format_path),
    SCHEMA_FIELD(struct response_rewrite_spec, backend_prefix, "backendPrefix", STRING,
                 "Where the backend believes that it is: what stands instead of publicPrefix in "
                 "the requests that it gets.",
                 .text = "/", .min = 1, .max = 1024, .format = &schema_format_path),
    SCHEMA_FIELD(struct response_rewrite_spec, hosts, "internalHosts", LIST,
                 "Hosts that only the inside knows, beside the one that the backend was asked "
                 "for: URLs at them become paths, which clients resolve against the host that "
                 "they know.",
                 .max = 32, .element = &host_element),
    SCHEMA_FIELD(struct response_rewrite_spec, cookie_domain, "cookieDomain", STRING,
                 "The Domain of cookies for such hosts; left out, they have none, and are for the "
                 "host that the client asked.",
                 .max = 253, .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct response_rewrite_spec, tells_prefix, "forwardedPrefix", BOOL,
                 "Requests say publicPrefix in X-Forwarded-Prefix, for backends that make right "
                 "URLs of it.",
                 .fallback = 1),
    {0},
};

static const struct schema spec_schema = {
    .name = "ResponseRewrite",
    .doc = "Redirects (Location, Content-Location, Refresh) and cookies of a backend, as clients "
           "need them.",
    .size = sizeof(struct response_rewrite_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct public_url map;
    struct slice cookie_domain; /* empty: none */
    struct slice told_prefix;   /* empty: it is not told */
};

/* "/a/" -> "/a"; "/" -> "". */
static struct slice without_slash(struct slice prefix)
{
    while (prefix.len && prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    return prefix;
}

/* "*.a.b", "a.b", "10.0.0.7", "[::1]". */
static bool is_host(struct slice text)
{
    bool is_wild = slice_starts_with(text, SLICE("*."));
    struct slice name = is_wild ? slice_sub(text, 2, text.len) : text;
    return name.len && message_authority_is_valid(name) && !message_authority_has_port(name);
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct response_rewrite_spec *s = spec;
    struct conf *c = conf;
    struct slice *hosts = arena_zalloc(b->arena, (s->hosts.count + 1) * sizeof(*hosts));
    *c = (struct conf){.cookie_domain = s->cookie_domain};
    c->map.public_prefix = without_slash(s->public_prefix);
    c->map.backend_prefix = without_slash(s->backend_prefix);
    c->map.hosts = hosts;
    for (SCHEMA_EACH(s->hosts, struct slice, host)) {
        if (!is_host(*host))
            return filter_refuse(b, "internalHosts[%u]: \"%.*s\" is neither a host name nor an "
                                    "address, without a port", c->map.host_count,
                                 SLICE_ARG(*host));
        hosts[c->map.host_count++] = arena_copy_lower(b->arena, *host);
    }
    if (s->tells_prefix)
        c->told_prefix = c->map.public_prefix;
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "redirects and cookies: %.*s/ becomes %.*s/, without the inner host",
                        SLICE_ARG(c->map.backend_prefix), SLICE_ARG(c->map.public_prefix));
}

/* ---- cookies (RFC 6265 §4.1) ---- */

/* Of an attribute "Name=value"; what is no longer said has a NULL ptr. */
static struct slice change_attribute(const struct conf *c, struct filter_exchange *x,
                                     struct slice text)
{
    size_t equals = slice_find_byte(text, '=');
    struct slice name = slice_trim(slice_sub(text, 0, equals));
    struct slice value = slice_trim(slice_sub(text, equals + 1, text.len));
    if (slice_eq_nocase(name, SLICE("path"))) {
        struct slice path = public_url_path(&c->map, x->arena, value);
        /* "/a" covers "/a" and "/a/b" (RFC 6265 §5.1.4), "/a/" the second alone. */
        if (slice_eq_cstr(value, "/") && path.len > 1)
            path = without_slash(path);
        return arena_printf(x->arena, " Path=%.*s", SLICE_ARG(path));
    }
    if (!slice_eq_nocase(name, SLICE("domain")))
        return text;
    if (value.len && value.ptr[0] == '.')
        value = slice_sub(value, 1, value.len);
    if (!public_url_is_inner(&c->map, x->request->authority, value))
        return text;
    return c->cookie_domain.len
               ? arena_printf(x->arena, " Domain=%.*s", SLICE_ARG(c->cookie_domain))
               : (struct slice){NULL, 0};
}

static struct slice change_cookie(const struct conf *c, struct filter_exchange *x,
                                  struct slice cookie)
{
    struct slice out, one, rest = cookie;
    if (!slice_split(&rest, ';', &out))
        return cookie;
    while (slice_split(&rest, ';', &one)) {
        struct slice changed = change_attribute(c, x, one);
        if (changed.ptr)
            out = arena_printf(x->arena, "%.*s;%.*s", SLICE_ARG(out), SLICE_ARG(changed));
    }
    return out;
}

/* ---- hooks ---- */

/* "5; url=http://app/login": what browsers make of Refresh (HTML, "shared declarative refresh"). */
static struct slice change_refresh(const struct conf *c, struct filter_exchange *x,
                                   struct slice value)
{
    size_t at = slice_find_byte(value, ';');
    struct slice rest = slice_trim(slice_sub(value, at + 1, value.len));
    if (rest.len < 4 || !slice_eq_nocase(slice_sub(rest, 0, 4), SLICE("url=")))
        return value;
    struct slice url = slice_trim(slice_sub(rest, 4, rest.len));
    bool is_quoted = url.len >= 2 && (url.ptr[0] == '"' || url.ptr[0] == '\'') &&
                     url.ptr[url.len - 1] == url.ptr[0];
    if (is_quoted)
        url = slice_sub(url, 1, url.len - 2);
    return arena_printf(
        x->arena, "%.*s; url=%.*s", SLICE_ARG(slice_sub(value, 0, at)),
        SLICE_ARG(public_url_make(&c->map, x->arena, x->request->authority, url)));
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    (void)ctx;
    strip_header(x, SLICE("x-forwarded-prefix"));
    if (c->told_prefix.len)
        headers_add(&x->request->headers, SLICE("x-forwarded-prefix"), c->told_prefix);
    return FILTER_NEXT;
}

static void change(const struct conf *c, struct filter_exchange *x, struct header *h)
{
    struct slice old = h->value;
    if (h->id == HEADER_SET_COOKIE)
        h->value = change_cookie(c, x, old);
    else if (h->id == HEADER_LOCATION || slice_eq_cstr(h->name, "content-location"))
        h->value = public_url_make(&c->map, x->arena, x->request->authority, old);
    else if (slice_eq_cstr(h->name, "refresh"))
        h->value = change_refresh(c, x, old);
    x->response->headers.bytes += (uint32_t)(h->value.len - old.len);
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct headers *h = &x->response->headers;
    (void)ctx;
    for (uint32_t i = 0; i < h->count && !x->is_answered_here; i++)
        change(conf, x, &h->items[i]);
    return FILTER_NEXT;
}

const struct filter filter_response_rewrite = {
    .name = "responseRewrite",
    .doc = "Makes redirects and cookies of a backend fit the host and path that clients know.",
    .phase = FILTER_PHASE_TRANSFORM,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .describe = describe,
    .is_pure = true,
};
