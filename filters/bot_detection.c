/* botDetection: programs that say in User-Agent what they are and are not wanted. Those that lie
 * are not found so; it keeps honest nuisances away. What is allowed goes first, then what is
 * denied, then the list of bot_list.def.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/pattern.h"
#include "filters/refusal.h"

extern const struct filter filter_bot_detection;

/* ---- what users write ---- */

struct bot_detection_spec {
    struct schema_list allow, deny; /* struct slice */
    bool built_in, require;
};

static const struct schema_field pattern_element = {.type = SCHEMA_STRING, .min = 1, .max = 512};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct bot_detection_spec, allow, "allow", LIST,
                 "Regular expressions (PCRE2) that are searched for in User-Agent, in any case: "
                 "whoever has one is let in.",
                 .max = 256, .element = &pattern_element),
    SCHEMA_FIELD(struct bot_detection_spec, deny, "deny", LIST,
                 "The same for those who are refused, unless they are allowed.", .max = 256,
                 .element = &pattern_element),
    SCHEMA_FIELD(struct bot_detection_spec, built_in, "builtIn", BOOL,
                 "Refuse known scanners for holes and crawlers that copy sites, unless they are "
                 "allowed; filters/bot_list.def has them.",
                 .fallback = true),
    SCHEMA_FIELD(struct bot_detection_spec, require, "requireUserAgent", BOOL,
                 "Refuse requests that have no User-Agent."),
    {0},
};

static const struct schema spec_schema = {
    .name = "BotDetection",
    .doc = "Which programs may call, by the name that they give.",
    .size = sizeof(struct bot_detection_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    const struct pattern_set *patterns; /* those of allow, then those of deny */
    size_t allow_count, deny_count;
    bool built_in, require;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct bot_detection_spec *s = spec;
    struct conf *c = conf;
    const struct schema_list *const lists[] = {&s->allow, &s->deny};
    *c = (struct conf){.allow_count = s->allow.count,
                       .deny_count = s->deny.count,
                       .built_in = s->built_in,
                       .require = s->require};
    return pattern_set_make(b, lists, 2, &c->patterns);
}

/* ---- hooks ---- */

enum { DENIED };
static const char *const events[] = {"denied", NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("bot_denied"),
     .http_status = 403,
     .grpc_status = 7,
     .flag = FAIL_TEXT("DENY"),
     .text = FAIL_TEXT("this program may not call here")},
    {.label = FAIL_TEXT("user_agent_doubled"),
     .http_status = 400,
     .grpc_status = 3,
     .flag = FAIL_TEXT("DPE"),
     .text = FAIL_TEXT("a request has one User-Agent at most")},
};
enum { BOT_DENIED, DOUBLED };

static bool is_listed(struct arena *arena, struct slice agent)
{
    static const char *const names[] = {
#define BOT(name) name,
#include "filters/bot_list.def"
#undef BOT
    };
    struct slice lower = arena_copy_lower(arena, agent);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_find(lower, slice_from_cstr(names[i])) < lower.len)
            return true;
    return false;
}

/* One that cannot be tried to its end allows nobody, and denies. */
static bool is_denied(struct filter_exchange *x, const struct conf *c, struct slice agent)
{
    if (pattern_set_find(c->patterns, 0, c->allow_count, agent) == REGEX_YES)
        return false;
    return pattern_set_find(c->patterns, c->allow_count, c->deny_count, agent) != REGEX_NO ||
           (c->built_in && is_listed(x->arena, agent));
}

static unsigned agents_of(const struct headers *h, struct slice *agent)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < h->count; i++)
        if (h->items[i].id == HEADER_USER_AGENT && !count++)
            *agent = h->items[i].value;
    return count;
}

static enum filter_verdict refuse(struct filter_exchange *x, int why, struct slice body)
{
    const struct fail_info *info = &fails[why];
    x->host->count(x, &filter_bot_detection, DENIED);
    refusal_answer(x, info, SLICE(""), info->http_status, SLICE(""), body);
    return FILTER_REPLY;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct slice agent = SLICE("");
    unsigned count = agents_of(&x->request->headers, &agent);
    (void)ctx;
    if (count > 1)
        return refuse(x, DOUBLED, SLICE("Only one User-Agent header allowed\n"));
    if (!agent.len)
        return c->require ? refuse(x, BOT_DENIED, SLICE("Forbidden\n")) : FILTER_NEXT;
    return is_denied(x, c, agent) ? refuse(x, BOT_DENIED, SLICE("Forbidden\n")) : FILTER_NEXT;
}

const struct filter filter_bot_detection = {
    .name = "botDetection",
    .doc = "Refuses programs by the name that they give in User-Agent.",
    .phase = FILTER_PHASE_AUTHORIZE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
