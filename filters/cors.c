/* cors: preflights are answered here and never reach a backend, and answers say which origins may
 * read them (Gateway API CORS; Fetch, "CORS protocol"). What the app itself says of CORS is
 * replaced: two answers to one question would be none for a browser.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "filters/route_filters.h"
#include "lib/codec/http/preflight.h"
#include "lib/schema/schema_format.h"

#define ALLOW_ORIGIN SLICE("access-control-allow-origin")
#define ALLOW_CREDENTIALS SLICE("access-control-allow-credentials")
#define ALLOW_METHODS SLICE("access-control-allow-methods")
#define ALLOW_HEADERS SLICE("access-control-allow-headers")
#define EXPOSE_HEADERS SLICE("access-control-expose-headers")
#define MAX_AGE SLICE("access-control-max-age")
#define REQUEST_HEADERS SLICE("access-control-request-headers")

enum { ORIGIN_MAX = 300 }; /* scheme, host and port; longer ones are nobody's */

/* ---- what users write ---- */

static const struct schema_field origin_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 253, .format = &schema_format_origin};
static const struct schema_field name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_header_name};
static const struct schema_field method_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 16, .format = &schema_format_method};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct cors_spec, origins, "allowOrigins", LIST,
                 "Origins allowed by CORS; \"*\": all.", .max = 64,
                 .element = &origin_element),
    SCHEMA_FIELD(struct cors_spec, credentials, "allowCredentials", BOOL,
                 "Whether credentials such as cookies are allowed."),
    SCHEMA_FIELD(struct cors_spec, methods, "allowMethods", LIST,
                 "Methods that these origins may use besides GET, HEAD and POST; \"*\": all.",
                 .max = 9,
                 .element = &method_element),
    SCHEMA_FIELD(struct cors_spec, headers, "allowHeaders", LIST,
                 "Request headers that these origins may send; \"*\": all.",
                 .max = 64, .element = &name_element),
    SCHEMA_FIELD(struct cors_spec, expose, "exposeHeaders", LIST,
                 "Response headers that these origins may read; \"*\": all, without credentials.",
                 .max = 64,
                 .element = &name_element),
    SCHEMA_FIELD(struct cors_spec, max_age, "maxAge", INT,
                 "How long browsers may keep the answer to a preflight, in seconds.", .min = 1,
                 .max = INT32_MAX, .fallback = 5),
    {0},
};

static void check_star(struct schema_run *run, const struct doc *node, const char *name,
                       const struct schema_list *list)
{
    for (SCHEMA_EACH(*list, struct slice, item))
        if (list->count > 1 && slice_eq_cstr(*item, "*"))
            schema_error(run, node, name, "\"*\" means all, and must stand alone");
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct cors_spec *c = value;
    check_star(run, node, "allowOrigins", &c->origins);
    check_star(run, node, "allowMethods", &c->methods);
    check_star(run, node, "allowHeaders", &c->headers);
}

const struct schema cors_schema = {
    .name = "HTTPCORSFilter",
    .doc = "Which pages of other origins may use this.",
    .size = sizeof(struct cors_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

/* "https://a.b", or with anything in the place of one '*'. Lower-case, without the port that the
 * scheme has anyway. */
struct origin {
    struct slice before, after; /* the '*'; without one all is in `before` */
    bool is_wildcard;
};

struct conf {
    const struct origin *origins;
    uint32_t origin_count;
    bool any_origin, any_method, any_header;
    bool credentials;
    struct slice methods, headers, expose; /* lists as they are sent; empty: not sent */
    struct slice max_age;
};

struct ctx {
    bool was_asked;      /* on_request had its turn */
    struct slice origin; /* empty: the request is not about CORS */
    bool is_preflight;   /* and is answered */
};

static bool is_star(const struct schema_list *list)
{
    return list->count == 1 && slice_eq_cstr(*SCHEMA_AT(*list, struct slice, 0), "*");
}

/* "a, b" */
static struct slice join(struct arena *arena, const struct schema_list *list)
{
    struct slice all = SLICE("");
    for (SCHEMA_EACH(*list, struct slice, item))
        all = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(all), all.len ? ", " : "",
                           SLICE_ARG(*item));
    return all;
}

static struct slice join_lower(struct arena *arena, const struct schema_list *list)
{
    return arena_copy_lower(arena, join(arena, list));
}

/* A wildcard for what is only ever listed stays one; with credentials it would mean itself. */
static void take_lists(struct arena *arena, const struct cors_spec *s, struct conf *c)
{
    c->any_method = is_star(&s->methods);
    c->any_header = is_star(&s->headers);
    if (!c->any_method)
        c->methods = join(arena, &s->methods);
    if (!c->any_header)
        c->headers = join_lower(arena, &s->headers);
    if (is_star(&s->expose))
        c->expose = s->credentials ? SLICE("") : SLICE("*");
    else
        c->expose = join_lower(arena, &s->expose);
}

static struct slice without_port(struct slice origin)
{
    if (slice_starts_with(origin, SLICE("https://")) && slice_ends_with(origin, SLICE(":443")))
        origin.len -= 4;
    else if (slice_starts_with(origin, SLICE("http://")) && slice_ends_with(origin, SLICE(":80")))
        origin.len -= 3;
    return origin;
}

static struct origin take_origin(struct arena *arena, struct slice from)
{
    struct slice text = without_port(arena_copy_lower(arena, from));
    size_t star = slice_find_byte(text, '*');
    return (struct origin){.before = slice_sub(text, 0, star),
                           .after = slice_sub(text, star + 1, text.len),
                           .is_wildcard = star < text.len};
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct cors_spec *s = spec;
    struct conf *c = conf;
    struct origin *origins = arena_zalloc(b->arena, s->origins.count * sizeof(*origins));
    c->origins = origins;
    for (SCHEMA_EACH(s->origins, struct slice, origin)) {
        if (slice_eq_cstr(*origin, "*"))
            c->any_origin = true;
        else
            origins[c->origin_count++] = take_origin(b->arena, *origin);
    }
    take_lists(b->arena, s, c);
    c->credentials = s->credentials;
    c->max_age = arena_decimal(b->arena, (uint64_t)s->max_age);
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    struct slice text = SLICE("CORS for");
    for (uint32_t i = 0; i < c->origin_count; i++)
        text = arena_printf(arena, "%.*s%s %.*s%s%.*s", SLICE_ARG(text), i ? "," : "",
                            SLICE_ARG(c->origins[i].before), c->origins[i].is_wildcard ? "*" : "",
                            SLICE_ARG(c->origins[i].after));
    return c->any_origin ? arena_printf(arena, "%.*s%s any origin", SLICE_ARG(text),
                                        c->origin_count ? "," : "")
                         : text;
}

/* ---- origins ---- */

/* Lower-case, without its scheme's own port. */
static struct slice canonical(struct slice origin, char to[ORIGIN_MAX])
{
    if (origin.len > ORIGIN_MAX)
        return (struct slice){to, 0};
    return without_port(slice_lower(origin, to));
}

/* What a '*' may stand for: labels of a host name, and nothing that ends one. */
static bool is_labels(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool fine =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (!fine)
            return false;
    }
    return s.len > 0;
}

static bool matches(const struct origin *o, struct slice origin)
{
    if (!o->is_wildcard)
        return slice_eq(o->before, origin);
    size_t fixed = o->before.len + o->after.len;
    return origin.len > fixed && slice_starts_with(origin, o->before) &&
           slice_ends_with(origin, o->after) &&
           is_labels(slice_sub(origin, o->before.len, origin.len - fixed));
}

static bool is_allowed(const struct conf *c, struct slice origin)
{
    char text[ORIGIN_MAX];
    if (c->any_origin)
        return origin.len > 0;
    struct slice wanted = canonical(origin, text);
    for (uint32_t i = 0; wanted.len && i < c->origin_count; i++)
        if (matches(&c->origins[i], wanted))
            return true;
    return false;
}

/* ---- answers ---- */

static void set(struct message *m, struct slice name, struct slice value)
{
    if (value.len)
        headers_set(&m->headers, name, value);
}

/* Caches must not show one origin what another got. */
static void vary(struct message *m, const struct conf *c)
{
    if (!c->any_origin || c->credentials)
        headers_add_id(&m->headers, HEADER_VARY, SLICE("origin"));
}

static void allow(struct message *m, const struct conf *c, struct slice origin)
{
    bool anyone = c->any_origin && !c->credentials;
    set(m, ALLOW_ORIGIN, anyone ? SLICE("*") : origin);
    set(m, ALLOW_CREDENTIALS, c->credentials ? SLICE("true") : SLICE(""));
    set(m, EXPOSE_HEADERS, c->expose);
}

/* A wildcard is never sent as one: "*" means itself where credentials are, and it leaves out
 * `authorization`. So what is asked for is what is allowed. */
static void answer_preflight(struct filter_exchange *x, const struct conf *c,
                             const struct preflight *asked)
{
    const struct header *names = headers_find(asked->head, REQUEST_HEADERS);
    bool allowed = is_allowed(c, asked->origin);
    struct message *m =
        x->host->reply(x, allowed ? 204 : 403,
                       allowed ? SLICE("") : SLICE("CORS: this origin is not allowed here\n"));
    vary(m, c);
    if (!allowed)
        return;
    allow(m, c, asked->origin);
    set(m, ALLOW_METHODS, c->any_method ? asked->method : c->methods);
    set(m, ALLOW_HEADERS, c->any_header && names ? names->value : c->headers);
    set(m, MAX_AGE, c->max_age);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct message *request = x->request;
    struct ctx *own = ctx;
    struct preflight preflight;
    own->was_asked = true;
    own->origin = headers_get_id(&request->headers, HEADER_ORIGIN);
    own->is_preflight = preflight_read(&preflight, request);
    if (!own->is_preflight)
        return FILTER_NEXT;
    answer_preflight(x, conf, &preflight);
    return FILTER_REPLY;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    struct message *m = x->response;
    if (!own->was_asked)
        own->origin = headers_get_id(&x->request->headers, HEADER_ORIGIN);
    if (own->is_preflight)
        return FILTER_NEXT;
    vary(m, c);
    if (!own->origin.len)
        return FILTER_NEXT;
    headers_remove(&m->headers, ALLOW_ORIGIN);
    headers_remove(&m->headers, ALLOW_CREDENTIALS);
    headers_remove(&m->headers, EXPOSE_HEADERS);
    if (is_allowed(c, own->origin))
        allow(m, c, own->origin);
    return FILTER_NEXT;
}

const struct filter filter_cors = {
    .name = "cors",
    .doc = "Answers preflights, and tells browsers which pages may read the answers.",
    .phase = FILTER_PHASE_CORS,
    .spec = &cors_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .sees_every_answer = true,
    .describe = describe,
    .is_pure = true,
};
