/* anyOf: several ways to say who one is, of which one is enough. The filters of the alternatives
 * run with their own hooks and a host that takes down what they refuse with instead of answering.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "filters/filter.h"
#include "filters/refusal.h"
#include "lib/schema/schema_format.h"
#include "lib/schema/schema_ref.h"

enum { ALTERNATIVES_MAX = 8, TYPES_MAX = 32, RULE_MAX = 1024 };

/* ---- what users write ---- */

/* A union of the filters that authenticate, made from filters.def before main. */
struct alternative_spec {
    const void *types[TYPES_MAX];
};

struct any_of_spec {
    struct schema_list alternatives; /* struct alternative_spec */
    struct slice anonymous;
    struct schema_ref consumers;
};

static const struct filter *types[TYPES_MAX];
static struct schema_field alternative_fields[TYPES_MAX + 1];
static char one_of_rule[RULE_MAX];
static const struct schema_rule alternative_rules[] = {
    {one_of_rule, "exactly one filter must be given"},
    {0},
};

static void check_alternative(struct schema_run *run, const struct doc *node, void *value)
{
    const char *chosen = NULL;
    (void)value;
    for (const struct schema_field *f = alternative_fields; f->name; f++) {
        if (!doc_get(node, slice_from_cstr(f->name)))
            continue;
        if (chosen)
            schema_error(run, node, f->name, "must be left out: the alternative is %s", chosen);
        else
            chosen = f->name;
    }
    if (!chosen)
        schema_error(run, node, NULL, "must have a filter that authenticates");
}

static const struct schema alternative_schema = {
    .name = "AnyOfAlternative",
    .doc = "A filter that authenticates.",
    .size = sizeof(struct alternative_spec),
    .fields = alternative_fields,
    .check = check_alternative,
    .rules = alternative_rules,
};

static const struct schema_field alternative_element = {.type = SCHEMA_INLINE,
                                                        .object = &alternative_schema};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct any_of_spec, alternatives, "alternatives", LIST,
                 "Filters that authenticate, in the order in which they are tried. The first that "
                 "lets the caller in is enough.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = ALTERNATIVES_MAX,
                 .element = &alternative_element),
    SCHEMA_FIELD(struct any_of_spec, anonymous, "anonymous", STRING,
                 "Name of the Consumer that everybody else is taken for, with "
                 "X-Anonymous-Consumer: true. Left out, they get 401.",
                 .format = &schema_format_name),
    SCHEMA_FIELD(struct any_of_spec, consumers, "consumerNamespaces", INLINE,
                 "Where that Consumer is.", .object = &schema_ref_consumers),
    {0},
};

static const struct schema spec_schema = {
    .name = "AnyOf",
    .doc = "Several ways to authenticate, of which one is enough.",
    .size = sizeof(struct any_of_spec),
    .fields = fields,
};

extern const struct filter filter_any_of;

static bool is_possible(const struct filter *f)
{
    return f->phase == FILTER_PHASE_AUTHENTICATE && f != &filter_any_of && f->on_request &&
           !f->on_response && !f->on_request_body && !f->on_response_body;
}

__attribute__((constructor)) static void make_union(void)
{
    int at = snprintf(one_of_rule, RULE_MAX, "[");
    for (size_t i = 0, n = 0; i < filter_count && n < TYPES_MAX; i++) {
        const struct filter *f = filter_all[i];
        if (!is_possible(f))
            continue;
        types[n] = f;
        alternative_fields[n] = (struct schema_field){
            .name = f->name,
            .doc = f->doc,
            .type = SCHEMA_OBJECT,
            .offset = offsetof(struct alternative_spec, types) + n * sizeof(void *),
            .object = f->spec,
        };
        at += snprintf(one_of_rule + at, (size_t)(RULE_MAX - at), "%shas(self.%s)", n ? "," : "",
                       f->name);
        n++;
    }
    snprintf(one_of_rule + at, (size_t)(RULE_MAX - at), "].exists_one(x, x)");
}

/* ---- what is made of it ---- */

struct alternative {
    const struct filter *filter;
    const void *conf;
};

struct conf {
    struct alternative alternatives[ALTERNATIVES_MAX];
    uint32_t count;
    struct slice anonymous; /* empty: nobody */
    struct consumer_scope scope;
};

static unsigned type_of(const struct alternative_spec *s)
{
    unsigned i = 0;
    while (i + 1 < TYPES_MAX && !s->types[i])
        i++;
    return i;
}

/* What it keeps is found by its type and which of that type it is: an alternative that is put
 * before it is another one. */
static struct slice id_of(const struct filter_build *b, const struct conf *c,
                          const struct filter *f)
{
    unsigned same = 0;
    for (uint32_t i = 0; i < c->count; i++)
        same += c->alternatives[i].filter == f;
    return b->id.len ? arena_printf(b->arena, "%.*s/%s/%u", SLICE_ARG(b->id), f->name, same)
                     : b->id;
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct any_of_spec *s = spec;
    struct conf *c = conf;
    for (SCHEMA_EACH(s->alternatives, struct alternative_spec, a)) {
        unsigned type = type_of(a);
        const struct filter *f = types[type];
        struct filter_build own = *b;
        void *made = arena_zalloc(b->arena, f->conf_size);
        own.id = id_of(b, c, f);
        enum err e = f->prepare ? f->prepare(&own, a->types[type], made) : ERR_OK;
        if (e)
            return e;
        c->alternatives[c->count++] = (struct alternative){f, made};
    }
    c->anonymous = s->anonymous;
    c->scope = consumer_scope_read(b->arena, s->consumers.value);
    return ERR_OK;
}

/* ---- a host that takes down ---- */

/* What one alternative would have answered. */
struct refusal {
    const struct fail_info *failed; /* NULL: it did not say */
    struct message *head;           /* NULL: it has not refused */
    struct slice body;              /* of its own, instead of the failure's text; empty: none */
};

struct notes {
    struct filter_host host; /* what x->host is meanwhile */
    struct refusal refusal;
};

static struct message *note_reply(struct filter_exchange *x, unsigned status, struct slice body)
{
    struct refusal *r = &container_of(x->host, struct notes, host)->refusal;
    r->body = body;
    r->head = arena_zalloc(x->arena, sizeof(*r->head));
    message_init(r->head, x->arena);
    r->head->status = (uint16_t)status;
    return r->head;
}

static struct message *note_fail(struct filter_exchange *x, const struct fail_info *why,
                                 struct slice detail)
{
    container_of(x->host, struct notes, host)->refusal.failed = why;
    (void)detail;
    return note_reply(x, why->http_status, (struct slice){0});
}

/* ---- hooks ---- */

struct ctx {
    uint32_t at; /* the alternative that is asked */
    void *own[ALTERNATIVES_MAX];
    bool begun[ALTERNATIVES_MAX];
    struct refusal refusals[ALTERNATIVES_MAX];
    const struct fail_info *trouble; /* the first that was none of the caller's fault */
};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("unauthenticated"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Unauthorized"),
     .is_public = true},
    {.label = FAIL_TEXT("anonymous_missing"),
     .http_status = 500,
     .grpc_status = 13,
     .flag = FAIL_TEXT("NC"),
     .text = FAIL_TEXT("there is no consumer for callers without credentials")},
};
enum { UNAUTHENTICATED, ANONYMOUS_MISSING };

static enum filter_verdict ask(struct filter_exchange *x, const struct alternative *a,
                               struct ctx *own)
{
    const struct filter_host *real = x->host;
    struct notes notes = {.host = *real};
    notes.host.reply = note_reply;
    notes.host.fail = note_fail;
    if (!own->begun[own->at] && a->filter->ctx_size)
        own->own[own->at] = arena_zalloc(x->arena, a->filter->ctx_size);
    own->begun[own->at] = true;
    x->host = &notes.host;
    enum filter_verdict verdict = a->filter->on_request(x, a->conf, own->own[own->at]);
    x->host = real;
    if (verdict == FILTER_REPLY) {
        const struct fail_info *failed = notes.refusal.failed;
        own->refusals[own->at] = notes.refusal;
        if (!own->trouble && failed && failed->http_status >= 500)
            own->trouble = failed;
    }
    return verdict;
}

/* What each of them asks for, once. */
static void add_challenges(const struct ctx *own, const struct conf *c, struct message *head)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct headers *h = own->refusals[i].head ? &own->refusals[i].head->headers : NULL;
        for (uint32_t j = 0; h && j < h->count; j++) {
            bool is_new = h->items[j].id == HEADER_WWW_AUTHENTICATE;
            for (uint32_t k = 0; is_new && k < head->headers.count; k++)
                is_new = !slice_eq(head->headers.items[k].value, h->items[j].value);
            if (is_new)
                headers_add_id(&head->headers, HEADER_WWW_AUTHENTICATE, h->items[j].value);
        }
    }
}

/* Whose words the client gets: of those that have words of their own, the first to which something
 * was shown, else the first. NULL: none has. */
static const struct refusal *find_words(const struct ctx *own, uint32_t count)
{
    const struct refusal *found = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct refusal *r = &own->refusals[i];
        bool is_shown = r->failed && !r->failed->is_absence;
        if (r->body.len && is_shown)
            return r;
        if (r->body.len && !found)
            found = r;
    }
    return found;
}

static enum filter_verdict refuse_all(struct filter_exchange *x, const struct conf *c,
                                      const struct ctx *own)
{
    const struct refusal *words = find_words(own, c->count);
    struct message *head =
        words ? refusal_answer(x, &fails[UNAUTHENTICATED], (struct slice){0}, words->head->status,
                               headers_get_id(&words->head->headers, HEADER_CONTENT_TYPE),
                               words->body)
              : x->host->fail(x, &fails[UNAUTHENTICATED], (struct slice){0});
    add_challenges(own, c, head);
    return FILTER_REPLY;
}

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c,
                                  const struct ctx *own)
{
    if (own->trouble) {
        x->host->fail(x, own->trouble, (struct slice){0});
        return FILTER_REPLY;
    }
    if (!c->anonymous.len)
        return refuse_all(x, c, own);
    const struct consumer *nobody = consumer_find_named(x->consumers, &c->scope, c->anonymous);
    if (!nobody) {
        x->host->fail(x, &fails[ANONYMOUS_MISSING], c->anonymous);
        return FILTER_REPLY;
    }
    consumer_accept_anonymous(x, "anyOf", nobody);
    return FILTER_NEXT;
}

/* Whoever lets in, the client has no say in what any of them tells the backend. */
static void strip(struct filter_exchange *x, const struct conf *c)
{
    consumer_headers_drop(x);
    for (uint32_t i = 0; i < c->count; i++)
        if (c->alternatives[i].filter->strip)
            c->alternatives[i].filter->strip(x, c->alternatives[i].conf);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (own->at == 0 && !own->begun[0])
        strip(x, c);
    for (; own->at < c->count; own->at++) {
        const struct filter_caller *before = x->caller;
        enum filter_verdict verdict = ask(x, &c->alternatives[own->at], own);
        if (verdict == FILTER_WAIT || verdict == FILTER_RESET)
            return verdict;
        if (verdict == FILTER_NEXT && x->caller != before)
            return FILTER_NEXT; /* one that lets pass whom it does not know has not let in */
    }
    return refuse(x, c, own);
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    for (uint32_t i = c->count; i-- > 0;)
        if (own->begun[i] && c->alternatives[i].filter->on_end)
            c->alternatives[i].filter->on_end(x, c->alternatives[i].conf, own->own[i]);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    struct slice text = SLICE("accepts whoever passes");
    (void)prefix;
    for (uint32_t i = 0; i < c->count; i++)
        text = arena_printf(arena, "%.*s%s %s", SLICE_ARG(text), i ? " or" : "",
                            c->alternatives[i].filter->name);
    if (c->anonymous.len)
        text = arena_printf(arena, "%.*s; others as consumer %.*s", SLICE_ARG(text),
                            SLICE_ARG(c->anonymous));
    return text;
}

const struct filter filter_any_of = {
    .name = "anyOf",
    .doc = "Lets in whoever one of several filters lets in, or anonymous callers.",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_end = on_end,
    .describe = describe,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
