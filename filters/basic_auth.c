/* basicAuth: user names and passwords (RFC 7617). A password's hash is slow to compute, so it is
 * computed on the thread pool and found good for a while after that; somebody whom nobody knows
 * costs the same time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/basic_credentials.h"
#include "filters/filter.h"
#include "filters/refusal.h"
#include "filters/strip.h"
#include "filters/caller/verdict_cache.h"
#include "lib/schema/schema_format.h"
#include "lib/schema/schema_ref.h"
#include "lib/tls/digest.h"
#include "lib/tls/password.h"

/* ---- what users write ---- */

struct basic_auth_spec {
    struct slice realm;
    bool hide;
    int64_t cache_ms;
    struct schema_ref consumers;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct basic_auth_spec, realm, "realm", STRING,
                 "What browsers show when they ask for the password.", .min = 1, .max = 128,
                 .format = &schema_format_realm, .text = "restricted"),
    SCHEMA_FIELD(struct basic_auth_spec, hide, "hideCredentials", BOOL,
                 "Remove the Authorization header before the request goes on.", .fallback = true),
    SCHEMA_FIELD(struct basic_auth_spec, cache_ms, "cacheTime", DURATION,
                 "How long a password that was good is good without computing its hash again; 0s: "
                 "not at all. A changed password counts at once.",
                 .fallback = 300000),
    SCHEMA_FIELD(struct basic_auth_spec, consumers, "consumerNamespaces", INLINE,
                 "Whose Consumers are accepted.", .object = &schema_ref_consumers),
    {0},
};

static const struct schema spec_schema = {
    .name = "BasicAuth",
    .doc = "Who may call: Consumers, by a user name and a password.",
    .size = sizeof(struct basic_auth_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct slice challenge;
    bool hide;
    uint64_t cache_ms;
    struct verdict_cache *cache;
    struct consumer_scope scope;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct basic_auth_spec *s = spec;
    struct conf *c = conf;
    c->challenge = arena_printf(b->arena, "Basic realm=\"%.*s\", charset=\"UTF-8\"",
                                SLICE_ARG(s->realm));
    c->hide = s->hide;
    c->cache_ms = (uint64_t)s->cache_ms;
    c->cache = filter_keep(b, sizeof(*c->cache), verdict_cache_init, NULL);
    c->scope = consumer_scope_read(b->arena, s->consumers.value);
    return ERR_OK;
}

/* ---- a slow hash ---- */

struct hash_job {
    struct filter_job job; /* first */
    char password[PASSWORD_MAX], hash[PASSWORD_HASH_MAX];
    size_t password_len, hash_len;
    bool is_good;
};

static void compute(struct filter_job *job)
{
    struct hash_job *j = (struct hash_job *)(void *)job;
    j->is_good =
        password_is(slice_of(j->password, j->password_len), slice_of(j->hash, j->hash_len));
}

static void begin(struct filter_exchange *x, struct filter_work *work, struct slice password,
                  struct slice hash)
{
    struct hash_job *j = filter_job_create(sizeof(*j), compute);
    memcpy(j->password, password.ptr, password.len);
    memcpy(j->hash, hash.ptr, hash.len);
    j->password_len = password.len;
    j->hash_len = hash.len;
    work->job = &j->job;
    x->host->work(x, work);
}

/* ---- a quick one: "$weft$<salt>$<hex>", of a password that policyd knows ---- */

static bool is_quick(struct slice hash)
{
    return slice_starts_with(hash, SLICE("$weft$"));
}

static bool is_quickly_good(struct arena *arena, struct slice password, struct slice hash)
{
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_MAX];
    struct slice rest = slice_sub(hash, 6, hash.len);
    size_t salt = slice_find_byte(rest, '$');
    struct slice made = slice_sub(rest, salt + 1, rest.len);
    char *text = arena_alloc(arena, salt + 1 + password.len);
    memcpy(text, rest.ptr, salt);
    text[salt] = '$';
    memcpy(text + salt + 1, password.ptr, password.len);
    digest_sha256(slice_of(text, salt + 1 + password.len), digest);
    digest_hex(digest, hex);
    return digest_is_same(slice_from_cstr(hex), made);
}

/* ---- what the request says ---- */

struct ctx {
    bool is_read;
    const struct consumer_credential *found; /* NULL: nobody has that name */
    struct verdict_mark mark;
    struct filter_work work;
};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("password_missing"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Unauthorized"),
     .is_public = true,
     .is_absence = true},
    {.label = FAIL_TEXT("password_wrong"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Unauthorized"),
     .is_public = true},
    {.label = FAIL_TEXT("passwords_busy"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("UO"),
     .text = FAIL_TEXT("too many passwords are being checked")},
};
enum { MISSING, WRONG, BUSY };

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c, int why)
{
    return refusal_challenge(x, &fails[why], (struct slice){0}, c->challenge);
}

/* ---- hooks ---- */

static enum filter_verdict let_in(struct filter_exchange *x, const struct conf *c,
                                  const struct ctx *own)
{
    if (c->hide)
        strip_header(x, SLICE("authorization"));
    consumer_accept(x, "basicAuth", own->found);
    return FILTER_NEXT;
}

/* By what is known at once; FILTER_WAIT: a hash is being computed. */
static enum filter_verdict judge(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    struct slice name, password;
    own->is_read = true;
    consumer_headers_drop(x);
    if (!basic_credentials_read(x, PASSWORD_MAX, &name, &password))
        return refuse(x, c, MISSING);
    own->found = consumer_find(x->consumers, CREDENTIAL_BASIC_AUTH, &c->scope, name);
    const struct consumer_credential *like =
        own->found ? own->found
                   : consumer_find_other(x->consumers, CREDENTIAL_BASIC_AUTH, &c->scope, name);
    if (!like)
        return refuse(x, c, WRONG);
    if (is_quick(like->secret)) {
        bool is_good = is_quickly_good(x->arena, password, like->secret);
        return is_good && own->found ? let_in(x, c, own) : refuse(x, c, WRONG);
    }
    own->mark = verdict_cache_mark(c->cache, like->secret, password);
    if (own->found && verdict_cache_has(c->cache, own->mark, x->host->now_ms(x)))
        return let_in(x, c, own);
    begin(x, &own->work, password, like->secret);
    return FILTER_WAIT;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (!own->is_read) {
        enum filter_verdict verdict = judge(x, c, own);
        if (verdict != FILTER_WAIT)
            return verdict;
    }
    if (!own->work.is_done)
        return FILTER_WAIT;
    if (own->work.is_refused)
        return refuse(x, c, BUSY);
    const struct hash_job *j = (const struct hash_job *)(void *)own->work.job;
    if (!j->is_good || !own->found)
        return refuse(x, c, WRONG);
    if (c->cache_ms)
        verdict_cache_put(c->cache, own->mark, x->host->now_ms(x) + c->cache_ms);
    return let_in(x, c, own);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    (void)arena, (void)conf, (void)prefix;
    return SLICE("accepts consumers by user name and password");
}

const struct filter filter_basic_auth = {
    .name = "basicAuth",
    .doc = "Lets in Consumers by a user name and a password (401 without).",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
