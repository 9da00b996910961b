/* The two tables of tcpKeepalive: the same fields, with and without inheritance. Control thread.
 * Must not know whose connections they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/tcp_keepalive.h"

enum { SECOND_MS = 1000, LONGEST_MS = 32767 * SECOND_MS /* Linux */ };

#define TIME_DOC                                                                        \
    "After how long without a byte from the other end it is asked whether it is there. " \
    "What was sent may stay unacknowledged for time and all probes together."
#define INTERVAL_DOC "How long between two such questions."
#define PROBES_DOC "After how many without an answer the connection is given up."

static const struct schema_field client_fields[] = {
    SCHEMA_FIELD(struct tcp_keepalive_setting, time, "time", DURATION, TIME_DOC,
                 .flags = SCHEMA_INHERIT, .fallback = 30 * SECOND_MS),
    SCHEMA_FIELD(struct tcp_keepalive_setting, interval, "interval", DURATION, INTERVAL_DOC,
                 .flags = SCHEMA_INHERIT, .fallback = 10 * SECOND_MS),
    SCHEMA_FIELD(struct tcp_keepalive_setting, probes, "probes", INT, PROBES_DOC,
                 .flags = SCHEMA_INHERIT, .min = 1, .max = 127, .fallback = 3),
    {0},
};

static const struct schema_field call_fields[] = {
    SCHEMA_FIELD(struct tcp_keepalive_setting, time, "time", DURATION,
                 TIME_DOC " When left out, 30s.", .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct tcp_keepalive_setting, interval, "interval", DURATION,
                 INTERVAL_DOC " When left out, 10s.", .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct tcp_keepalive_setting, probes, "probes", INT,
                 PROBES_DOC " When left out, 3.", .min = 1, .max = 127, .fallback = SCHEMA_UNSET),
    {0},
};

static bool is_bad(int64_t ms)
{
    return ms != SCHEMA_UNSET && (ms < SECOND_MS || ms > LONGEST_MS);
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct tcp_keepalive_setting *k = value;
    if (is_bad(k->time))
        schema_error(run, node, "time", "must be from 1s to 9h6m7s");
    if (is_bad(k->interval))
        schema_error(run, node, "interval", "must be from 1s to 9h6m7s");
}

#define IS_GOOD(field)                                                     \
    "!has(self." field ") || (duration(self." field ") >= duration('1s') " \
    "&& duration(self." field ") <= duration('9h6m7s'))"

static const struct schema_rule rules[] = {
    {IS_GOOD("time"), "time must be from 1s to 9h6m7s"},
    {IS_GOOD("interval"), "interval must be from 1s to 9h6m7s"},
    {0},
};

const struct schema tcp_keepalive_client_schema = {
    .name = "TCPKeepalive",
    .doc = "How it is found out that the other end has vanished.",
    .size = sizeof(struct tcp_keepalive_setting),
    .fields = client_fields,
    .check = check,
    .rules = rules,
};

const struct schema tcp_keepalive_call_schema = {
    .name = "TCPKeepalive",
    .doc = "How it is found out that the other end has vanished.",
    .size = sizeof(struct tcp_keepalive_setting),
    .fields = call_fields,
    .check = check,
    .rules = rules,
};
