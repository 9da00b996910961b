/* keyAuth: whose key it is that comes in a header or the query, as Kong's key-auth decides. Keys
 * are known by their SHA-256 alone (filters/caller/consumer.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/credential_query.h"
#include "filters/filter.h"
#include "filters/refusal.h"
#include "filters/strip.h"
#include "lib/schema/schema_format.h"
#include "lib/schema/schema_ref.h"
#include "lib/tls/digest.h"

/* ---- what users write ---- */

struct key_auth_spec {
    struct schema_list headers, query; /* struct slice */
    bool hide;
    struct slice realm;
    struct schema_ref consumers;
};

static const struct schema_field header_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_header_name};
static const struct schema_field query_element = {.type = SCHEMA_STRING, .min = 1, .max = 256};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct key_auth_spec, headers, "headers", LIST,
                 "Headers that the key may be in. With neither headers nor query: X-API-Key, or "
                 "the query parameter apikey.",
                 .min = 1, .max = 16, .element = &header_element),
    SCHEMA_FIELD(struct key_auth_spec, query, "query", LIST,
                 "Query parameters that the key may be in.", .min = 1, .max = 16,
                 .element = &query_element),
    SCHEMA_FIELD(struct key_auth_spec, hide, "hideCredentials", BOOL,
                 "Remove the key before the request goes on.", .fallback = true),
    SCHEMA_FIELD(struct key_auth_spec, realm, "realm", STRING,
                 "What WWW-Authenticate calls that which is protected.", .min = 1, .max = 128,
                 .format = &schema_format_realm),
    SCHEMA_FIELD(struct key_auth_spec, consumers, "consumerNamespaces", INLINE,
                 "Whose Consumers are accepted.", .object = &schema_ref_consumers),
    {0},
};

static const struct schema spec_schema = {
    .name = "KeyAuth",
    .doc = "Who may call: Consumers, by a key.",
    .size = sizeof(struct key_auth_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct slice *headers;
    const struct slice *query;
    size_t header_count, query_count;
    bool hide;
    struct slice challenge;
    struct consumer_scope scope;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    static const struct slice header = {"X-API-Key", 9}, parameter = {"apikey", 6};
    const struct key_auth_spec *s = spec;
    struct conf *c = conf;
    bool is_said = s->headers.count || s->query.count;
    const struct slice *headers = is_said ? s->headers.items : &header;
    c->header_count = is_said ? s->headers.count : 1;
    c->headers = arena_alloc(b->arena, (c->header_count + 1) * sizeof(*c->headers));
    for (size_t i = 0; i < c->header_count; i++)
        c->headers[i] = arena_copy_lower(b->arena, headers[i]);
    c->query = is_said ? s->query.items : &parameter;
    c->query_count = is_said ? s->query.count : 1;
    c->hide = s->hide;
    c->challenge = s->realm.len
                       ? arena_printf(b->arena, "Key realm=\"%.*s\"", SLICE_ARG(s->realm))
                       : SLICE("Key");
    c->scope = consumer_scope_read(b->arena, s->consumers.value);
    return ERR_OK;
}

/* ---- hooks ---- */

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("api_key_missing"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("No API key found in request"),
     .is_public = true,
     .is_absence = true},
    {.label = FAIL_TEXT("api_key_invalid"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Unauthorized"),
     .is_public = true},
    {.label = FAIL_TEXT("api_key_duplicate"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Duplicate API key found"),
     .is_public = true},
};
enum { MISSING, INVALID, DUPLICATE };

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c, int why)
{
    return refusal_challenge(x, &fails[why], (struct slice){0}, c->challenge);
}

/* How many fields of the request have one of the names; *value: of the first. */
static unsigned find_in_headers(const struct filter_exchange *x, const struct conf *c,
                                struct slice *value)
{
    const struct headers *h = &x->request->headers;
    unsigned count = 0;
    for (uint32_t i = 0; i < h->count; i++)
        for (size_t j = 0; j < c->header_count; j++)
            if (slice_eq(h->items[i].name, c->headers[j]) && !count++)
                *value = h->items[i].value;
    return count;
}

static void hide(struct filter_exchange *x, const struct conf *c)
{
    for (size_t i = 0; i < c->header_count; i++)
        strip_header(x, c->headers[i]);
    x->request->path =
        credential_query_remove(x->arena, x->request->path, c->query, c->query_count);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct slice key = {0};
    struct credential_query query = {0};
    uint8_t digest[DIGEST_SIZE];
    (void)ctx;
    consumer_headers_drop(x);
    unsigned count = find_in_headers(x, c, &key);
    credential_query_find(x->arena, x->request->path, c->query, c->query_count, &query);
    strip_logged_query(x, c->query, c->query_count);
    if (count + query.count > 1)
        return refuse(x, c, DUPLICATE);
    key = count ? key : query.value;
    if (!key.len)
        return refuse(x, c, MISSING);
    digest_sha256(key, digest);
    const struct consumer_credential *found = consumer_find(
        x->consumers, CREDENTIAL_KEY_AUTH, &c->scope, slice_of(digest, sizeof(digest)));
    if (!found)
        return refuse(x, c, INVALID);
    if (c->hide)
        hide(x, c);
    consumer_accept(x, "keyAuth", found);
    return FILTER_NEXT;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    struct slice text = SLICE("accepts consumers by their key in");
    const char *joint = " header";
    (void)prefix;
    for (size_t i = 0; i < c->header_count; i++, joint = ", header")
        text = arena_printf(arena, "%.*s%s %.*s", SLICE_ARG(text), joint, SLICE_ARG(c->headers[i]));
    joint = c->header_count ? ", query" : " query";
    for (size_t i = 0; i < c->query_count; i++, joint = ", query")
        text = arena_printf(arena, "%.*s%s %.*s", SLICE_ARG(text), joint, SLICE_ARG(c->query[i]));
    return text;
}

const struct filter filter_key_auth = {
    .name = "keyAuth",
    .doc = "Lets in Consumers by a key in a header or the query (401 without one).",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .is_pure = true,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
