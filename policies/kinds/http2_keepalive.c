/* The two tables of http2Keepalive: the same fields, with and without inheritance. Control thread.
 * Must not know whose connections they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http2_keepalive.h"

enum { SHORTEST_MS = 100, LONGEST_MS = 3600000 };

#define INTERVAL_DOC                                                                            \
    "After how long without a byte from the other end, while requests are under way, it is sent " \
    "a PING; \"0s\": never. 10s when left out."
#define TIMEOUT_DOC \
    "How long the answer to a PING may take before the connection is given up; 10s when left out."

static const struct schema_field client_fields[] = {
    SCHEMA_FIELD(struct http2_keepalive_setting, interval, "interval", DURATION, INTERVAL_DOC,
                 .flags = SCHEMA_INHERIT, .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct http2_keepalive_setting, timeout, "timeout", DURATION, TIMEOUT_DOC,
                 .flags = SCHEMA_INHERIT, .fallback = SCHEMA_UNSET),
    {0},
};

static const struct schema_field call_fields[] = {
    SCHEMA_FIELD(struct http2_keepalive_setting, interval, "interval", DURATION, INTERVAL_DOC,
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct http2_keepalive_setting, timeout, "timeout", DURATION, TIMEOUT_DOC,
                 .fallback = SCHEMA_UNSET),
    {0},
};

static bool is_within(int64_t ms)
{
    return ms >= SHORTEST_MS && ms <= LONGEST_MS;
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http2_keepalive_setting *k = value;
    if (k->interval != SCHEMA_UNSET && k->interval != 0 && !is_within(k->interval))
        schema_error(run, node, "interval", "must be 0s, or from 100ms to 1h");
    if (k->timeout != SCHEMA_UNSET && !is_within(k->timeout))
        schema_error(run, node, "timeout", "must be from 100ms to 1h");
}

#define IS_WITHIN(field) \
    "(duration(self." field ") >= duration('100ms') && duration(self." field ") <= duration('1h'))"

static const struct schema_rule rules[] = {
    {"!has(self.interval) || duration(self.interval) == duration('0s') || " IS_WITHIN("interval"),
     "interval must be 0s, or from 100ms to 1h"},
    {"!has(self.timeout) || " IS_WITHIN("timeout"), "timeout must be from 100ms to 1h"},
    {0},
};

#define SECTION_DOC "Whether the other end of an HTTP/2 connection is asked if it is still there."

const struct schema http2_keepalive_client_schema = {
    .name = "HTTP2Keepalive",
    .doc = SECTION_DOC,
    .size = sizeof(struct http2_keepalive_setting),
    .fields = client_fields,
    .check = check,
    .rules = rules,
};

const struct schema http2_keepalive_call_schema = {
    .name = "HTTP2Keepalive",
    .doc = SECTION_DOC,
    .size = sizeof(struct http2_keepalive_setting),
    .fields = call_fields,
    .check = check,
    .rules = rules,
};
