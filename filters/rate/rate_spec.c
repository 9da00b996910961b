/* The tables of rateLimit, and what tables cannot say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_spec.h"

#include "filters/rate/rate_ask.h"
#include "filters/rate/rate_log.h"
#include "lib/schema/schema_format.h"

#define UNITS_MAX 4000000000
#define PER_SECOND_MAX 1000000
#define SLIDING_MIN_MS 100
#define SLIDING_MAX_MS (INT64_C(7) * 86400000)
#define FILL_MAX_S (INT64_C(366) * 86400)

/* ---- algorithms ---- */

#define WINDOW(index, name, doc) \
    SCHEMA_FIELD(struct rate_fixed_spec, max[index], name, INT, doc, .max = UNITS_MAX)

static const struct schema_field fixed_fields[] = {
    WINDOW(RATE_SECOND, "second", "Units in each second; 0: no limit."),
    WINDOW(RATE_MINUTE, "minute", "Units in each minute; 0: no limit."),
    WINDOW(RATE_HOUR, "hour", "Units in each hour; 0: no limit."),
    WINDOW(RATE_DAY, "day", "Units in each day; 0: no limit."),
    WINDOW(RATE_MONTH, "month", "Units in each month; 0: no limit."),
    WINDOW(RATE_YEAR, "year", "Units in each year; 0: no limit."),
    {0},
};

/* As Kong has it: a longer window that allows less would make the shorter one pointless. */
static void check_fixed(struct schema_run *run, const struct doc *node, void *value)
{
    const struct rate_fixed_spec *s = value;
    int64_t most = 0;
    for (int i = 0; i < RATE_PERIODS; i++) {
        if (s->max[i] && s->max[i] < most)
            schema_error(run, node, fixed_fields[i].name,
                         "must not be below the limit of a shorter window");
        if (s->max[i] > most)
            most = s->max[i];
    }
    if (!most)
        schema_error(run, node, NULL, "must have a limit for some window");
}

const struct schema rate_fixed_schema = {
    .name = "RateFixedWindow",
    .doc = "So many units in each window of the calendar, in UTC. All that are given hold "
           "together. Around the edge of two windows twice as much may pass.",
    .size = sizeof(struct rate_fixed_spec),
    .fields = fixed_fields,
    .check = check_fixed,
};

static void check_window(struct schema_run *run, const struct doc *node,
                         const struct rate_sliding_spec *s)
{
    if (s->window_ms && (s->window_ms < SLIDING_MIN_MS || s->window_ms > SLIDING_MAX_MS))
        schema_error(run, node, "window", "must be between 100ms and 168h");
}

static void check_sliding(struct schema_run *run, const struct doc *node, void *value)
{
    check_window(run, node, value);
}

static const struct schema_field sliding_fields[] = {
    SCHEMA_FIELD(struct rate_sliding_spec, max, "max", INT, "Units in a window.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = UNITS_MAX),
    SCHEMA_FIELD(struct rate_sliding_spec, window_ms, "window", DURATION,
                 "How long a window is: 100ms to 168h.", .flags = SCHEMA_REQUIRED),
    {0},
};

static const struct schema sliding_schema = {
    .name = "RateSlidingCounter",
    .doc = "The window before counts for as much of it as is still within one window's time: "
           "refused when last * (1 - progress) + current >= max.",
    .size = sizeof(struct rate_sliding_spec),
    .fields = sliding_fields,
    .check = check_sliding,
};

static const struct schema_field log_fields[] = {
    SCHEMA_FIELD(struct rate_sliding_spec, max, "max", INT, "Units in any window's time.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = RATE_LOG_MAX),
    SCHEMA_FIELD(struct rate_sliding_spec, window_ms, "window", DURATION,
                 "How long a window is: 100ms to 168h.", .flags = SCHEMA_REQUIRED),
    {0},
};

static const struct schema log_schema = {
    .name = "RateSlidingLog",
    .doc = "The moment of every unit is kept: exact in any window, at a cost in memory of one "
           "counter for six units of the limit.",
    .size = sizeof(struct rate_sliding_spec),
    .fields = log_fields,
    .check = check_sliding,
};

static void check_rate(struct schema_run *run, const struct doc *node, const char *name,
                       int64_t per_second, int64_t units)
{
    if (per_second < 1 || per_second > PER_SECOND_MAX * INT64_C(1000))
        schema_error(run, node, name, "must be between 1m (one in a thousand seconds) and 1M");
    else if (units > FILL_MAX_S * per_second / 1000)
        schema_error(run, node, name, "must be more: the bucket would take over a year to fill");
}

static const struct schema_field bucket_fields[] = {
    SCHEMA_FIELD(struct rate_bucket_spec, max, "max", INT,
                 "Units that the bucket holds: how many may come at once.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = UNITS_MAX),
    SCHEMA_FIELD(struct rate_bucket_spec, per_second, "refillPerSecond", QUANTITY,
                 "Units that come back each second: \"10\"; \"500m\": one in two seconds.",
                 .flags = SCHEMA_REQUIRED),
    {0},
};

static void check_bucket(struct schema_run *run, const struct doc *node, void *value)
{
    const struct rate_bucket_spec *s = value;
    check_rate(run, node, "refillPerSecond", s->per_second, s->max);
}

const struct schema rate_bucket_schema = {
    .name = "RateTokenBucket",
    .doc = "A bucket that is full at first and is refilled at a steady rate.",
    .size = sizeof(struct rate_bucket_spec),
    .fields = bucket_fields,
    .check = check_bucket,
};

static const struct schema_field leaky_fields[] = {
    SCHEMA_FIELD(struct rate_leaky_spec, per_second, "ratePerSecond", QUANTITY,
                 "Units that pass each second, evenly: \"10\"; \"500m\": one in two seconds.",
                 .flags = SCHEMA_REQUIRED),
    SCHEMA_FIELD(struct rate_leaky_spec, burst, "burst", INT,
                 "How many may be ahead of their time; more are refused.", .max = 1000000),
    SCHEMA_FIELD(struct rate_leaky_spec, no_delay, "noDelay", BOOL,
                 "Those ahead of their time pass at once. Without it they wait for their turn."),
    {0},
};

static void check_leaky(struct schema_run *run, const struct doc *node, void *value)
{
    const struct rate_leaky_spec *s = value;
    check_rate(run, node, "ratePerSecond", s->per_second, s->burst + 1);
}

static const struct schema leaky_schema = {
    .name = "RateLeakyBucket",
    .doc = "A steady rate, as nginx's limit_req.",
    .size = sizeof(struct rate_leaky_spec),
    .fields = leaky_fields,
    .check = check_leaky,
};

/* ---- whom it counts ---- */

static const char *const by_names[] = {"IP",   "Consumer", "Credential", "Header", "Claim",
                                       "Path", "Route",    "Global",     NULL};

static const struct schema_field by_fields[] = {
    SCHEMA_FIELD(struct rate_by_spec, type, "type", ENUM,
                 "`IP`: the client's address, as far as proxies are trusted. `Consumer` and "
                 "`Credential`: who authenticated and by what; for others the address. `Header` "
                 "and `Claim`: the value of one; for requests without it the address. `Path`. "
                 "`Route`: each route by itself. `Global`: all together.",
                 .flags = SCHEMA_REQUIRED, .choices = by_names),
    SCHEMA_FIELD(struct rate_by_spec, name, "name", STRING, "Name of the header or claim.",
                 .min = 1, .max = 256),
    {0},
};

static void check_by(struct schema_run *run, const struct doc *node, void *value)
{
    const struct rate_by_spec *s = value;
    bool needs_name = s->type == RATE_BY_HEADER || s->type == RATE_BY_CLAIM;
    if (needs_name && !s->name.len)
        schema_error(run, node, "name", "is required for Header and Claim");
    else if (!needs_name && s->name.len)
        schema_error(run, node, "name", "is for Header and Claim only");
    else if (s->type == RATE_BY_HEADER && !schema_format_header_name.is_valid(s->name))
        schema_error(run, node, "name", "%s", schema_format_header_name.must_be);
}

static const struct schema_rule by_rules[] = {
    {"(self.type in ['Header', 'Claim']) == has(self.name)",
     "name is for Header and Claim, and required there"},
    {0},
};

static const struct schema by_schema = {
    .name = "RateBy",
    .doc = "A part of what requests are told apart by.",
    .size = sizeof(struct rate_by_spec),
    .fields = by_fields,
    .check = check_by,
    .rules = by_rules,
};

const struct schema_field rate_by_element = {.type = SCHEMA_INLINE, .object = &by_schema};

/* ---- what a request costs ---- */

static const struct schema_field cost_fields[] = {
    SCHEMA_FIELD(struct rate_cost_spec, units, "units", INT,
                 "Of each request; with one of the other fields, of those where it says nothing "
                 "that is a number.",
                 .max = 1000000000, .fallback = 1),
    SCHEMA_FIELD(struct rate_cost_spec, request_header, "requestHeader", STRING,
                 "A header of the request that says the cost. Only where clients cannot set it.",
                 .min = 1, .max = 256, .format = &schema_format_header_name),
    SCHEMA_FIELD(struct rate_cost_spec, response_header, "responseHeader", STRING,
                 "A header of the response that says the cost. It is charged afterwards: requests "
                 "pass while anything is left.",
                 .min = 1, .max = 256, .format = &schema_format_header_name),
    SCHEMA_FIELD(struct rate_cost_spec, response_field, "responseField", STRING,
                 "A field of the response's JSON body that says the cost, such as "
                 "`usage.total_tokens`; of the last event that has it in an event stream. Charged "
                 "afterwards. Bodies may have 256 KiB and no content-encoding.",
                 .min = 1, .max = 256),
    {0},
};

static void check_cost(struct schema_run *run, const struct doc *node, void *value)
{
    const struct rate_cost_spec *s = value;
    int count = !!s->request_header.len + !!s->response_header.len + !!s->response_field.len;
    if (count > 1)
        schema_error(run, node, NULL,
                     "must have one of requestHeader, responseHeader and responseField at most");
}

static const struct schema cost_schema = {
    .name = "RateCost",
    .doc = "What a request costs.",
    .size = sizeof(struct rate_cost_spec),
    .fields = cost_fields,
    .check = check_cost,
};

/* ---- one limit ---- */

static const struct schema_field limit_fields[] = {
    SCHEMA_FIELD(struct rate_limit_item, name, "name", STRING,
                 "Tells limits apart that are alike otherwise, and is what clients read of it.",
                 .min = 1, .max = 63, .format = &schema_format_label_name),
    SCHEMA_FIELD(struct rate_limit_item, fixed, "fixedWindow", OBJECT,
                 "So many in each window of the calendar.", .object = &rate_fixed_schema),
    SCHEMA_FIELD(struct rate_limit_item, log, "slidingLog", OBJECT,
                 "So many in any window's time, exactly.", .object = &log_schema),
    SCHEMA_FIELD(struct rate_limit_item, sliding, "slidingCounter", OBJECT,
                 "So many in a window's time, nearly.", .object = &sliding_schema),
    SCHEMA_FIELD(struct rate_limit_item, bucket, "tokenBucket", OBJECT,
                 "A rate, and a burst.", .object = &rate_bucket_schema),
    SCHEMA_FIELD(struct rate_limit_item, leaky, "leakyBucket", OBJECT,
                 "A rate, and how much may be ahead of its time.", .object = &leaky_schema),
    SCHEMA_FIELD(struct rate_limit_item, by, "by", LIST,
                 "What requests are told apart by; all parts together. Without it, by Consumer.",
                 .min = 1, .max = 8, .element = &rate_by_element),
    SCHEMA_FIELD(struct rate_limit_item, cost, "cost", INLINE, "What a request costs.",
                 .object = &cost_schema),
    {0},
};

static void check_limit(struct schema_run *run, const struct doc *node, void *value)
{
    const struct rate_limit_item *s = value;
    if (!!s->fixed + !!s->log + !!s->sliding + !!s->bucket + !!s->leaky != 1)
        schema_error(run, node, NULL,
                     "must have one of fixedWindow, slidingLog, slidingCounter, tokenBucket and "
                     "leakyBucket");
}

static const struct schema_rule limit_rules[] = {
    {"[has(self.fixedWindow), has(self.slidingLog), has(self.slidingCounter), "
     "has(self.tokenBucket), has(self.leakyBucket)].exists_one(x, x)",
     "exactly one algorithm must be given"},
    {0},
};

static const struct schema limit_schema = {
    .name = "RateLimitItem",
    .doc = "One limit.",
    .size = sizeof(struct rate_limit_item),
    .fields = limit_fields,
    .check = check_limit,
    .rules = limit_rules,
};

static const struct schema_field limit_element = {.type = SCHEMA_INLINE, .object = &limit_schema};

/* ---- the whole ---- */

static const struct schema_field refusal_fields[] = {
    SCHEMA_FIELD(struct rate_refusal_spec, status, "status", INT,
                 "Its status; gRPC calls get RESOURCE_EXHAUSTED.", .min = 400, .max = 599,
                 .fallback = 429),
    SCHEMA_FIELD(struct rate_refusal_spec, content_type, "contentType", STRING,
                 "Without it, application/json where the body begins with \"{\", else text/plain.",
                 .min = 1, .max = 256, .format = &schema_format_header_value),
    SCHEMA_FIELD(struct rate_refusal_spec, body, "body", STRING,
                 "Its body, in which {{retry_after}}, {{reset}} (both in seconds), {{limit}} and "
                 "{{remaining}} are numbers.",
                 .max = 16384, .text = "API rate limit exceeded\n"),
    {0},
};

const struct schema rate_refusal_schema = {
    .name = "RateRefusal",
    .doc = "The answer to what is refused. It has a Retry-After.",
    .size = sizeof(struct rate_refusal_spec),
    .fields = refusal_fields,
};

const char *const rate_header_choices[] = {"Kong", "XRateLimit", "Draft", "None", NULL};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct rate_spec, limits, "limits", LIST,
                 "A request must be within all of them; what is refused is counted in none.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 8, .element = &limit_element),
    SCHEMA_FIELD(struct rate_spec, headers, "headers", ENUM,
                 "What responses say. `Kong`: X-RateLimit-Limit-Minute and "
                 "X-RateLimit-Remaining-Minute for each window, and RateLimit-Limit, -Remaining "
                 "and -Reset of the one with the fewest left. `XRateLimit`: X-RateLimit-Limit, "
                 "-Remaining and -Reset. `Draft`: RateLimit-Policy and RateLimit of the IETF's "
                 "draft. `None`. Times are in seconds.",
                 .choices = rate_header_choices),
    SCHEMA_FIELD(struct rate_spec, ipv6_prefix, "ipv6PrefixLength", INT,
                 "How many bits of an IPv6 address tell clients apart: one subscriber usually has "
                 "64 bits to choose from.",
                 .min = 1, .max = 128, .fallback = 64),
    SCHEMA_FIELD(struct rate_spec, refusal, "refusal", INLINE, "The answer to what is refused.",
                 .object = &rate_refusal_schema),
    SCHEMA_FIELD(struct rate_spec, store, "store", OBJECT,
                 "Where the counters are. Without it each gateway counts for itself, in memory.",
                 .object = &rate_store_schema),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct rate_spec *s = value;
    size_t count = 0;
    for (SCHEMA_EACH(s->limits, struct rate_limit_item, item)) {
        for (int i = 0; item->fixed && i < RATE_PERIODS; i++)
            count += item->fixed->max[i] > 0;
        count += !item->fixed;
    }
    if (count > RATE_ASKS_MAX)
        schema_error(run, node, "limits", "must have at most %d windows and buckets together",
                     RATE_ASKS_MAX);
}

const struct schema rate_spec_schema = {
    .name = "RateLimit",
    .doc = "How many requests may come.",
    .size = sizeof(struct rate_spec),
    .fields = fields,
    .check = check,
};
