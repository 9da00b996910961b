/* acl: whether the consumer's groups may call, as Kong's acl decides. Who it is a filter that
 * authenticates has found out before.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "filters/refusal.h"

/* ---- what users write ---- */

struct acl_spec {
    struct schema_list allow, deny; /* struct slice */
    bool hide_groups;
};

static const struct schema_field group_element = {.type = SCHEMA_STRING, .min = 1, .max = 128};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct acl_spec, allow, "allow", LIST,
                 "Groups of which the caller must be in one.", .min = 1, .max = 256,
                 .element = &group_element),
    SCHEMA_FIELD(struct acl_spec, deny, "deny", LIST,
                 "Groups of which the caller must be in none.", .min = 1, .max = 256,
                 .element = &group_element),
    SCHEMA_FIELD(struct acl_spec, hide_groups, "hideGroupsHeader", BOOL,
                 "Do not tell the backend the groups (X-Consumer-Groups)."),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct acl_spec *s = value;
    if (s->allow.present == s->deny.present)
        schema_error(run, node, NULL, "must have either allow or deny");
}

static const struct schema_rule rules[] = {
    {"has(self.allow) != has(self.deny)", "must have either allow or deny"},
    {0},
};

static const struct schema spec_schema = {
    .name = "ACL",
    .doc = "Which groups of Consumers may call.",
    .size = sizeof(struct acl_spec),
    .fields = fields,
    .check = check,
    .rules = rules,
};

/* ---- what is made of it ---- */

struct conf {
    const struct slice *groups;
    size_t count;
    bool is_allow, hide_groups;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct acl_spec *s = spec;
    const struct schema_list *list = s->allow.present ? &s->allow : &s->deny;
    (void)b;
    *(struct conf *)conf = (struct conf){.groups = list->items,
                                         .count = list->count,
                                         .is_allow = s->allow.present,
                                         .hide_groups = s->hide_groups};
    return ERR_OK;
}

/* ---- hooks ---- */

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("acl_unauthenticated"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Unauthorized"),
     .is_public = true},
    {.label = FAIL_TEXT("acl_denied"),
     .http_status = 403,
     .grpc_status = 7,
     .flag = FAIL_TEXT("DENY"),
     .text = FAIL_TEXT("You cannot consume this service"),
     .is_public = true},
};
enum { UNAUTHENTICATED, DENIED };

static bool is_in_one(const struct filter_caller *caller, const struct conf *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (filter_caller_has_group(caller, c->groups[i]))
            return true;
    return false;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    (void)ctx;
    if (!x->caller)
        return refusal_challenge(x, &fails[UNAUTHENTICATED], (struct slice){0}, SLICE("Consumer"));
    if (is_in_one(x->caller, c) != c->is_allow) {
        x->host->fail(x, &fails[DENIED], (struct slice){0});
        return FILTER_REPLY;
    }
    if (c->hide_groups)
        headers_remove(&x->request->headers, SLICE("x-consumer-groups"));
    return FILTER_NEXT;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    struct slice text = c->is_allow ? SLICE("lets in callers in") : SLICE("refuses callers in");
    (void)prefix;
    for (size_t i = 0; i < c->count; i++)
        text = arena_printf(arena, "%.*s%s %.*s", SLICE_ARG(text), i ? " or" : "",
                            SLICE_ARG(c->groups[i]));
    return text;
}

const struct filter filter_acl = {
    .name = "acl",
    .doc = "Lets in callers by the groups of their Consumer (403 for others).",
    .phase = FILTER_PHASE_AUTHORIZE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .is_pure = true,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
