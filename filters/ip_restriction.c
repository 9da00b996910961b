/* ipRestriction: from where. Who a request is from is the client's address as far as proxies in
 * front are trusted, never what an untrusted one says. What is denied goes before what is allowed;
 * an address that nobody knows is refused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/refusal.h"
#include "lib/schema/schema_format.h"

extern const struct filter filter_ip_restriction;

/* ---- what users write ---- */

struct ip_restriction_spec {
    struct schema_list allow, deny; /* struct slice */
    int64_t status;
    struct slice message;
};

static const struct schema_field cidr_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 64, .format = &schema_format_cidr};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct ip_restriction_spec, allow, "allow", LIST,
                 "Addresses and prefixes of clients that are let in, as \"10.0.0.0/8\" or "
                 "\"2001:db8::1\"; nobody else then. Without it everybody who is not denied.",
                 .min = 1, .max = 1024, .element = &cidr_element),
    SCHEMA_FIELD(struct ip_restriction_spec, deny, "deny", LIST,
                 "Those that are not, also where they are allowed.", .min = 1, .max = 1024,
                 .element = &cidr_element),
    SCHEMA_FIELD(struct ip_restriction_spec, status, "status", INT,
                 "The status of refusals; gRPC calls get PERMISSION_DENIED.", .min = 400,
                 .max = 599, .fallback = 403),
    SCHEMA_FIELD(struct ip_restriction_spec, message, "message", STRING,
                 "The body of refusals. Without it, \"IP address not allowed: \" and the address.",
                 .min = 1, .max = 16384),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct ip_restriction_spec *s = value;
    if (!s->allow.count && !s->deny.count)
        schema_error(run, node, NULL, "must have allow or deny");
}

static const struct schema_rule rules[] = {
    {"has(self.allow) || has(self.deny)", "allow or deny must be given"},
    {0},
};

static const struct schema spec_schema = {
    .name = "IPRestriction",
    .doc = "Which addresses requests may come from.",
    .size = sizeof(struct ip_restriction_spec),
    .fields = fields,
    .check = check,
    .rules = rules,
};

/* ---- what is made of it ---- */

struct prefixes {
    const struct cidr *items;
    uint32_t count;
};

struct conf {
    struct prefixes allow, deny;
    unsigned status;
    struct slice message;
};

static enum err take_prefixes(const struct filter_build *b, const struct schema_list *from,
                              const char *name, struct prefixes *to)
{
    struct cidr *items = arena_zalloc(b->arena, from->count * sizeof(*items));
    *to = (struct prefixes){.items = items};
    for (SCHEMA_EACH(*from, struct slice, text))
        if (cidr_parse(*text, &items[to->count++]))
            return filter_refuse(b, "%s: %.*s %s", name, SLICE_ARG(*text),
                                 schema_format_cidr.must_be);
    return ERR_OK;
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct ip_restriction_spec *s = spec;
    struct conf *c = conf;
    c->status = (unsigned)s->status;
    c->message = s->message;
    enum err e = take_prefixes(b, &s->allow, "allow", &c->allow);
    return e ? e : take_prefixes(b, &s->deny, "deny", &c->deny);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    if (!c->allow.count)
        return arena_printf(arena, "denies %u address prefixes", (unsigned)c->deny.count);
    return arena_printf(arena, "allows %u address prefixes, but for %u",
                        (unsigned)c->allow.count, (unsigned)c->deny.count);
}

/* ---- hooks ---- */

enum { DENIED };
static const char *const events[] = {"denied", NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("address_denied"),
     .http_status = 403,
     .grpc_status = 7,
     .flag = FAIL_TEXT("DENY"),
     .text = FAIL_TEXT("requests from this address are not allowed here")},
};

static bool contains(const struct prefixes *p, const struct addr *a)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (cidr_contains(&p->items[i], a))
            return true;
    return false;
}

static bool is_allowed(const struct conf *c, const struct forwarded *f)
{
    if (f->is_unknown || !f->client.family || contains(&c->deny, &f->client))
        return false;
    return !c->allow.count || contains(&c->allow, &f->client);
}

static struct slice address_of(const struct filter_exchange *x)
{
    char text[ADDR_TEXT_MAX];
    const struct forwarded *f = x->client;
    return f->is_unknown || !f->client.family
               ? SLICE("unknown")
               : arena_printf(x->arena, "%s", addr_format_ip(&f->client, text));
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct slice body = c->message;
    (void)ctx;
    if (is_allowed(c, x->client))
        return FILTER_NEXT;
    struct slice address = address_of(x);
    if (!body.len)
        body = arena_printf(x->arena, "IP address not allowed: %.*s\n", SLICE_ARG(address));
    x->host->count(x, &filter_ip_restriction, DENIED);
    refusal_answer(x, &fails[0], address, c->status, SLICE(""), body);
    return FILTER_REPLY;
}

const struct filter filter_ip_restriction = {
    .name = "ipRestriction",
    .doc = "Lets requests in by the address of the client.",
    .phase = FILTER_PHASE_AUTHORIZE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
