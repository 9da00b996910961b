/* accessLog: whether and how the requests of a route, a Gateway or a Service are lines of the
 * access log. It is written when the request is over; here the request is only told which rule is
 * its.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/log/log_rule.h"

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    return log_rule_prepare(b, spec, conf);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct log_rule *c = conf;
    (void)prefix;
    if (!c->is_enabled)
        return SLICE("these requests are in no access log");
    return arena_printf(arena, "%s of these requests are in the access log%s",
                        c->sample == 100000 && !c->has_conditions ? "all" : "some",
                        c->format.count ? ", in a format of their own" : "");
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)ctx;
    x->log = conf;
    return FILTER_NEXT;
}

/* Of an answer that was given before the chain had its turn. The responses pass backward: what is
 * there by a narrower target stays. */
static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)ctx;
    if (!x->log)
        x->log = conf;
    return FILTER_NEXT;
}

const struct filter filter_access_lines = {
    .name = "accessLog",
    .doc = "Says which requests are in the access log, and what the lines say.",
    .phase = FILTER_PHASE_CORS,
    .spec = &log_spec_schema,
    .conf_size = sizeof(struct log_rule),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .sees_every_answer = true,
    .describe = describe,
    .is_pure = true,
};
