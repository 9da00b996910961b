/* quota: usage plans. A caller's group says which plan it has, and the plan how much: per second,
 * day, month or year of the calendar, and how fast. Counters are the caller's and not the plan's:
 * whoever changes plans in the middle of a month takes along what is used.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <stdlib.h>

#include "filters/rate/rate_answer.h"
#include "filters/rate/rate_key.h"
#include "filters/rate/rate_plan.h"
#include "filters/rate/rate_store.h"
#include "lib/schema/schema_format.h"

extern const struct filter filter_quota;

enum { PLANS_MAX = 1000, GROUPS_MAX = 16, LIMITS_MAX = RATE_PERIODS + 1, IPV6_PREFIX = 64 };

/* ---- what users write ---- */

struct quota_plan_spec {
    struct slice name;
    struct schema_list groups; /* struct slice */
    const struct rate_fixed_spec *fixed;
    const struct rate_bucket_spec *bucket;
};

struct quota_spec {
    struct schema_list plans; /* struct quota_plan_spec */
    struct slice default_plan;
    int headers;
    struct rate_refusal_spec refusal;
    const struct rate_store_spec *store;
};

static const struct schema_field group_element = {.type = SCHEMA_STRING, .min = 1, .max = 128};

static const struct schema_field plan_fields[] = {
    SCHEMA_FIELD(struct quota_plan_spec, name, "name", STRING, "What the plan is called.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 63,
                 .format = &schema_format_label_name),
    SCHEMA_FIELD(struct quota_plan_spec, groups, "groups", LIST,
                 "Callers of which groups have it. Without it, of the group that is called as the "
                 "plan is.",
                 .min = 1, .max = GROUPS_MAX, .element = &group_element),
    SCHEMA_FIELD(struct quota_plan_spec, fixed, "fixedWindow", OBJECT,
                 "How many requests in each window of the calendar.",
                 .object = &rate_fixed_schema),
    SCHEMA_FIELD(struct quota_plan_spec, bucket, "tokenBucket", OBJECT,
                 "How fast: a rate and a burst.", .object = &rate_bucket_schema),
    {0},
};

static const struct schema plan_schema = {
    .name = "QuotaPlan",
    .doc = "A usage plan. One without fixedWindow and tokenBucket has no limits.",
    .size = sizeof(struct quota_plan_spec),
    .fields = plan_fields,
};

static const struct schema_field plan_element = {.type = SCHEMA_INLINE, .object = &plan_schema};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct quota_spec, plans, "plans", LIST,
                 "Of a caller whose groups have several, the first in this list holds.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = PLANS_MAX, .element = &plan_element),
    SCHEMA_FIELD(struct quota_spec, default_plan, "defaultPlan", STRING,
                 "The plan of callers whose groups have none, and of those whom nobody has "
                 "authenticated, who are told apart by address. Without it they are refused with "
                 "403.",
                 .min = 1, .max = 63),
    SCHEMA_FIELD(struct quota_spec, headers, "headers", ENUM,
                 "What responses say, as in rateLimit.", .choices = rate_header_choices),
    SCHEMA_FIELD(struct quota_spec, refusal, "refusal", INLINE,
                 "The answer to what is above the plan.", .object = &rate_refusal_schema),
    SCHEMA_FIELD(struct quota_spec, store, "store", OBJECT,
                 "Where the counters are. Without it each gateway counts for itself, in memory, "
                 "and begins anew when it is restarted.",
                 .object = &rate_store_schema),
    {0},
};

static const struct quota_plan_spec *find_spec(const struct quota_spec *s, struct slice name)
{
    for (SCHEMA_EACH(s->plans, struct quota_plan_spec, plan))
        if (slice_eq(plan->name, name))
            return plan;
    return NULL;
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct quota_spec *s = value;
    for (SCHEMA_EACH(s->plans, struct quota_plan_spec, plan))
        if (find_spec(s, plan->name) != plan)
            schema_error(run, node, "plans", "has two plans called \"%.*s\"",
                         SLICE_ARG(plan->name));
    if (s->default_plan.len && !find_spec(s, s->default_plan))
        schema_error(run, node, "defaultPlan", "must be the name of one of the plans");
}

static const struct schema spec_schema = {
    .name = "Quota",
    .doc = "Usage plans.",
    .size = sizeof(struct quota_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct plan {
    struct slice name;
    struct rate_limit limits[LIMITS_MAX];
    struct slice names[LIMITS_MAX];
    unsigned count; /* 0: no limits */
};

struct membership {
    struct slice group;
    const struct plan *plan;
};

struct conf {
    struct rate_store store;
    struct plan *plans;
    struct membership *members; /* sorted by group, then by the order of plans */
    size_t member_count;
    const struct plan *others; /* NULL: they are refused */
    enum rate_headers headers;
    struct rate_refusal refusal;
};

static void add_limit(struct plan *p, struct slice name, struct rate_limit limit)
{
    p->names[p->count] = name;
    p->limits[p->count++] = limit;
}

static void take_plan(struct arena *arena, const struct quota_plan_spec *s, struct plan *p)
{
    p->name = s->name;
    for (int i = 0; s->fixed && i < RATE_PERIODS; i++) {
        struct rate_limit limit = {.algorithm = RATE_FIXED_WINDOW,
                                   .period = (enum rate_period)i,
                                   .max = (uint32_t)s->fixed->max[i]};
        if (limit.max)
            add_limit(p, arena_copy_lower(arena, slice_from_cstr(rate_window_name(&limit))), limit);
    }
    if (s->bucket)
        add_limit(p, SLICE("bucket"), rate_plan_bucket(s->bucket));
}

static int compare_groups(struct slice a, struct slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_members(const void *a, const void *b)
{
    const struct membership *x = a, *y = b;
    int order = compare_groups(x->group, y->group);
    return order ? order : (x->plan > y->plan) - (x->plan < y->plan);
}

static void take_members(const struct filter_build *b, const struct quota_spec *s, struct conf *c)
{
    size_t at = 0;
    c->members = arena_alloc(b->arena, s->plans.count * GROUPS_MAX * sizeof(*c->members));
    for (SCHEMA_EACH(s->plans, struct quota_plan_spec, plan)) {
        const struct plan *p = &c->plans[at++];
        if (!plan->groups.count)
            c->members[c->member_count++] = (struct membership){plan->name, p};
        for (SCHEMA_EACH(plan->groups, struct slice, group))
            c->members[c->member_count++] = (struct membership){*group, p};
    }
    qsort(c->members, c->member_count, sizeof(*c->members), compare_members);
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct quota_spec *s = spec;
    struct conf *c = conf;
    size_t at = 0;
    c->headers = (enum rate_headers)s->headers;
    c->plans = arena_zalloc(b->arena, s->plans.count * sizeof(*c->plans));
    for (SCHEMA_EACH(s->plans, struct quota_plan_spec, plan)) {
        if (slice_eq(plan->name, s->default_plan))
            c->others = &c->plans[at];
        take_plan(b->arena, plan, &c->plans[at++]);
    }
    take_members(b, s, c);
    enum err e = rate_answer_prepare(b, &s->refusal, &c->refusal);
    return e ? e : rate_store_prepare(b, s->store, &c->store);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    if (!c->others)
        return SLICE("as much as the usage plan of the caller's group allows; others: 403");
    return arena_printf(arena, "as much as the usage plan of the caller's group allows; others: "
                               "%.*s", SLICE_ARG(c->others->name));
}

/* ---- hooks ---- */

struct ctx {
    const struct plan *plan; /* NULL: none, or not known yet */
    struct rate_ask *asks;   /* of the plan, once they are answered */
    struct rate_question question;
    bool is_refused, is_decided;
};

enum { ALLOWED, LIMITED, NO_PLAN, EVICTED, STORE_FAILED };
static const char *const events[] = {"allowed", "limited",      "no_plan",
                                     "evicted", "store_failed", NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("quota_exceeded"),
     .http_status = 429,
     .grpc_status = 8,
     .flag = FAIL_TEXT("RL"),
     .text = FAIL_TEXT("the usage plan allows no more")},
    {.label = FAIL_TEXT("no_plan"),
     .http_status = 403,
     .grpc_status = 7,
     .flag = FAIL_TEXT("DENY"),
     .text = FAIL_TEXT("there is no usage plan for this caller")},
    {.label = FAIL_TEXT("quota_store_failed"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("RLSE"),
     .text = FAIL_TEXT("the usage plan cannot be checked")},
};
enum { FAIL_EXCEEDED, FAIL_NO_PLAN, FAIL_STORE };

static const struct plan *plan_of_group(const struct conf *c, struct slice group)
{
    size_t low = 0, high = c->member_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (compare_groups(c->members[mid].group, group) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    bool is_there = low < c->member_count && slice_eq(c->members[low].group, group);
    return is_there ? c->members[low].plan : NULL;
}

/* Plans lie in the order of the list: the first is the one with the lowest address. */
static const struct plan *plan_of(const struct conf *c, const struct filter_caller *caller)
{
    const struct plan *best = NULL;
    for (size_t i = 0; caller && i < caller->group_count; i++) {
        const struct plan *p = plan_of_group(c, caller->groups[i]);
        if (p && (!best || p < best))
            best = p;
    }
    return best ? best : c->others;
}

static void fill_question(struct filter_exchange *x, const struct plan *p, struct rate_question *q)
{
    static const struct rate_part caller = {.type = RATE_BY_CONSUMER};
    struct slice key = rate_key_of(x, &caller, 1, IPV6_PREFIX);
    q->count = p->count;
    q->asks = arena_zalloc(x->arena, p->count * sizeof(*q->asks));
    for (unsigned i = 0; i < p->count; i++)
        q->asks[i] = (struct rate_ask){
            .limit = &p->limits[i],
            .key = arena_printf(x->arena, "%.*s/%.*s", SLICE_ARG(p->names[i]), SLICE_ARG(key)),
            .cost = 1};
}

static enum filter_verdict fail(struct filter_exchange *x, int why, unsigned event)
{
    x->host->count(x, &filter_quota, event);
    x->host->fail(x, &fails[why], (struct slice){0});
    return FILTER_REPLY;
}

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    own->is_refused = true;
    x->host->count(x, &filter_quota, LIMITED);
    rate_answer_refuse(x, &c->refusal, &fails[FAIL_EXCEEDED], own->plan->name,
                       rate_answer_tightest(own->asks, own->plan->count));
    return FILTER_REPLY;
}

static enum filter_verdict ask(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    unsigned evicted = 0;
    enum rate_outcome o = rate_store_take(x, &c->store, &own->question, &evicted);
    if (evicted)
        x->host->count(x, &filter_quota, EVICTED);
    if (o == RATE_NOT_YET)
        return FILTER_WAIT;
    own->is_decided = true;
    if (o == RATE_UNKNOWN && rate_store_denies(&c->store))
        return fail(x, FAIL_STORE, STORE_FAILED);
    if (o == RATE_UNKNOWN) {
        x->host->count(x, &filter_quota, STORE_FAILED);
        return FILTER_NEXT;
    }
    own->asks = own->question.asks;
    if (o == RATE_ABOVE)
        return refuse(x, c, own);
    x->host->count(x, &filter_quota, ALLOWED);
    return FILTER_NEXT;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (own->is_decided)
        return FILTER_NEXT;
    if (!own->plan) {
        own->plan = plan_of(c, x->caller);
        if (own->plan && own->plan->count)
            fill_question(x, own->plan, &own->question);
    }
    if (!own->plan)
        return fail(x, FAIL_NO_PLAN, NO_PLAN);
    return own->plan->count ? ask(x, c, own) : FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    const struct ctx *own = ctx;
    if (!own->asks)
        return FILTER_NEXT;
    rate_answer_headers(x, c->headers, own->asks, own->plan->names, own->plan->count);
    if (own->is_refused)
        rate_answer_retry_after(x, rate_answer_tightest(own->asks, own->plan->count));
    return FILTER_NEXT;
}

const struct filter filter_quota = {
    .name = "quota",
    .doc = "Usage plans: how much callers may ask for, by their groups.",
    .phase = FILTER_PHASE_LIMIT,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
