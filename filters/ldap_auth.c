/* ldapAuth: users and passwords that an LDAP directory knows (RFC 4513 §5.1.3), as Basic
 * credentials. The directory is asked on the thread pool; who was found good is so for a while.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <string.h>

#include "filters/caller/basic_credentials.h"
#include "filters/caller/ldap_users.h"
#include "filters/refusal.h"
#include "filters/strip.h"
#include "lib/schema/schema_format.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

struct ldap_bind_spec {
    struct slice dn;
    const struct schema_ref *password;
};

struct ldap_auth_spec {
    struct slice url, base_dn, attribute, group_attribute, realm;
    const struct ldap_bind_spec *bind;
    const struct schema_ref *authorities;
    bool starts_tls, is_plaintext, hide;
    int64_t timeout_ms, cache_ms;
};

static const struct schema_field bind_fields[] = {
    SCHEMA_FIELD(struct ldap_bind_spec, dn, "dn", STRING, "Its distinguished name.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024),
    SCHEMA_FIELD(struct ldap_bind_spec, password, "passwordRef", OBJECT, "Its password.",
                 .flags = SCHEMA_REQUIRED, .object = &schema_ref_secret),
    {0},
};

static const struct schema bind_schema = {
    .name = "LDAPBind",
    .doc = "Who looks users up.",
    .size = sizeof(struct ldap_bind_spec),
    .fields = bind_fields,
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct ldap_auth_spec, url, "url", STRING,
                 "\"ldaps://ldap.example.com\", with a port where it is not 636 (ldap: 389).",
                 .flags = SCHEMA_REQUIRED, .min = 8, .max = 256),
    SCHEMA_FIELD(struct ldap_auth_spec, starts_tls, "startTLS", BOOL,
                 "For ldap://: TLS before anything else is said."),
    SCHEMA_FIELD(struct ldap_auth_spec, is_plaintext, "plaintext", BOOL,
                 "For ldap://: send passwords in the clear."),
    SCHEMA_FIELD(struct ldap_auth_spec, authorities, "caRef", OBJECT,
                 "Authorities that the directory's certificate must be from, in PEM; else those of "
                 "the machine.",
                 .object = &schema_ref_config_map),
    SCHEMA_FIELD(struct ldap_auth_spec, base_dn, "baseDN", STRING, "What users are below of.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024),
    SCHEMA_FIELD(struct ldap_auth_spec, attribute, "attribute", STRING,
                 "What users are named by: \"uid\", \"cn\", \"sAMAccountName\".", .text = "uid",
                 .min = 1, .max = 64),
    SCHEMA_FIELD(struct ldap_auth_spec, bind, "bind", OBJECT,
                 "Who looks users up, anywhere below baseDN. Without it a user is "
                 "<attribute>=<name>,<baseDN>.",
                 .object = &bind_schema),
    SCHEMA_FIELD(struct ldap_auth_spec, group_attribute, "groupAttribute", STRING,
                 "The attribute of users that names their groups: \"memberOf\". Of distinguished "
                 "names the first value counts. The filter acl decides by them.",
                 .min = 1, .max = 64),
    SCHEMA_FIELD(struct ldap_auth_spec, timeout_ms, "timeout", DURATION,
                 "How long each question to the directory may take.", .fallback = 5000),
    SCHEMA_FIELD(struct ldap_auth_spec, cache_ms, "cacheTime", DURATION,
                 "How long a password that was good is good without asking again; 0s: not at all.",
                 .fallback = 60000),
    SCHEMA_FIELD(struct ldap_auth_spec, realm, "realm", STRING,
                 "What browsers show when they ask for the password.", .min = 1, .max = 128,
                 .format = &schema_format_realm, .text = "restricted"),
    SCHEMA_FIELD(struct ldap_auth_spec, hide, "hideCredentials", BOOL,
                 "Remove the Authorization header before the request goes on.", .fallback = true),
    {0},
};

static bool is_attribute(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
        if (!is_letter && c != '-' && c != '.')
            return false;
    }
    return true;
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct ldap_auth_spec *s = value;
    bool is_tls = slice_starts_with(s->url, SLICE("ldaps://"));
    if (!is_tls && !slice_starts_with(s->url, SLICE("ldap://")))
        schema_error(run, node, "url", "must begin with ldaps:// or ldap://");
    else if (!is_tls && !s->starts_tls && !s->is_plaintext)
        schema_error(run, node, "url",
                     "ldap:// sends passwords in the clear: use ldaps:// or startTLS, or say "
                     "plaintext: true");
    if (is_tls && (s->starts_tls || s->is_plaintext))
        schema_error(run, node, "url", "ldaps:// has TLS: leave out startTLS and plaintext");
    if (!is_attribute(s->attribute))
        schema_error(run, node, "attribute", "must be letters, digits, '-' and '.'");
    if (!is_attribute(s->group_attribute))
        schema_error(run, node, "groupAttribute", "must be letters, digits, '-' and '.'");
    if (s->timeout_ms < 1 || s->timeout_ms > 60000)
        schema_error(run, node, "timeout", "must be from 1ms to 1m");
}

static const struct schema spec_schema = {
    .name = "LDAPAuth",
    .doc = "Who may call: users of an LDAP directory.",
    .size = sizeof(struct ldap_auth_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct conf {
    struct ldap_users *users;
    struct slice challenge;
    bool hide;
    uint64_t cache_ms;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct ldap_auth_spec *s = spec;
    struct ldap_users *u = ldap_users_create(b);
    u->config = (struct directory_config){
        .url = arena_strdup(&u->arena, s->url),
        .starts_tls = s->starts_tls,
        .authorities = s->authorities ? arena_strdup(&u->arena, s->authorities->value) : NULL,
        .base_dn = arena_strdup(&u->arena, s->base_dn),
        .attribute = arena_strdup(&u->arena, s->attribute),
        .bind_dn = s->bind ? arena_strdup(&u->arena, s->bind->dn) : NULL,
        .bind_password = s->bind ? arena_strdup(&u->arena, s->bind->password->value) : NULL,
        .group_attribute =
            s->group_attribute.len ? arena_strdup(&u->arena, s->group_attribute) : NULL,
        .timeout_ms = (uint32_t)s->timeout_ms,
    };
    *(struct conf *)conf = (struct conf){
        .users = u,
        .challenge = arena_printf(b->arena, "Basic realm=\"%.*s\", charset=\"UTF-8\"",
                                  SLICE_ARG(s->realm)),
        .hide = s->hide,
        .cache_ms = (uint64_t)s->cache_ms,
    };
    return ERR_OK;
}

/* ---- what comes of a request ---- */

struct ctx {
    bool is_read;
    uint8_t digest[DIGEST_SIZE];
    struct slice name;
    struct filter_work work;
};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("ldap_password_missing"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Unauthorized"),
     .is_public = true,
     .is_absence = true},
    {.label = FAIL_TEXT("ldap_password_wrong"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Unauthorized"),
     .is_public = true},
    {.label = FAIL_TEXT("ldap_busy"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("UO"),
     .text = FAIL_TEXT("too many passwords are being checked")},
    {.label = FAIL_TEXT("ldap_unavailable"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the directory of users cannot be asked")},
};
enum { MISSING, WRONG, BUSY, UNAVAILABLE };

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c, int why,
                                  struct slice detail)
{
    return refusal_challenge(x, &fails[why], detail, c->challenge);
}

/* Takes the reference. */
static enum filter_verdict let_in(struct filter_exchange *x, const struct conf *c,
                                  const struct ctx *own, struct ldap_user *user)
{
    struct filter_caller *caller = filter_caller_set(x, "ldapAuth");
    struct slice *groups = arena_alloc(x->arena, (user->group_count + 1) * sizeof(*groups));
    for (size_t i = 0; i < user->group_count; i++)
        groups[i] = arena_copy(x->arena, user->groups[i]);
    caller->username = caller->credential_id = own->name;
    caller->groups = groups;
    caller->group_count = user->group_count;
    digest_entry_unref(&user->entry);
    if (c->hide)
        strip_header(x, SLICE("authorization"));
    consumer_headers_say(x);
    return FILTER_NEXT;
}

/* FILTER_WAIT: the directory is being asked. */
static enum filter_verdict begin(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    struct slice password;
    own->is_read = true;
    consumer_headers_drop(x);
    if (!basic_credentials_read(x, LDAP_PASSWORD_MAX, &own->name, &password))
        return refuse(x, c, MISSING, (struct slice){0});
    if (!own->name.len || !password.len || own->name.len > LDAP_USER_MAX)
        return refuse(x, c, WRONG, (struct slice){0});
    ldap_users_digest(c->users, own->name, password, own->digest);
    struct ldap_user *known = ldap_users_find(c->users, own->digest, x->host->now_ms(x));
    if (known)
        return let_in(x, c, own, known);
    own->work.job = ldap_users_ask(c->users, own->name, password);
    x->host->work(x, &own->work);
    return FILTER_WAIT;
}

static enum filter_verdict finish(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    struct slice why = {0};
    uint64_t until_ms = x->host->now_ms(x) + c->cache_ms;
    switch (ldap_users_verdict(own->work.job, &why)) {
    case DIRECTORY_YES:
        return let_in(x, c, own,
                      ldap_users_take(c->users, own->digest, own->work.job, until_ms,
                                      c->cache_ms > 0));
    case DIRECTORY_NO:
        return refuse(x, c, WRONG, (struct slice){0});
    case DIRECTORY_UNKNOWN:
        break;
    }
    return refuse(x, c, UNAVAILABLE, arena_copy(x->arena, why));
}

/* ---- hooks ---- */

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (!own->is_read) {
        enum filter_verdict verdict = begin(x, c, own);
        if (verdict != FILTER_WAIT)
            return verdict;
    }
    if (!own->work.is_done)
        return FILTER_WAIT;
    return own->work.is_refused ? refuse(x, c, BUSY, (struct slice){0}) : finish(x, c, own);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "accepts users of %s below %s by their password",
                        c->users->config.url, c->users->config.base_dn);
}

const struct filter filter_ldap_auth = {
    .name = "ldapAuth",
    .doc = "Lets in users of an LDAP directory by their password (401 without).",
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
