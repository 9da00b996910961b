/* The table of outlierDetection. Control thread. Must not know which endpoints there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/outlier_detection.h"

#define UNSET .fallback = SCHEMA_UNSET
/* Left out, the fallback holds where no wider policy says anything either. */
#define INHERIT .flags = SCHEMA_INHERIT

static const struct schema_field status_element = {.type = SCHEMA_INT, .min = 100, .max = 599};

static const struct schema_field outlier_fields[] = {
    SCHEMA_FIELD(struct traffic_outlier, disabled, "disabled", BOOL, "Turns ejection off."),
    SCHEMA_FIELD(struct traffic_outlier, consecutive_failures, "consecutiveFailures", INT,
                 "Failures in a row that eject an endpoint.", .min = 1,
                 .max = 1000, INHERIT, .fallback = 5),
    SCHEMA_FIELD(struct traffic_outlier, window, "window", DURATION,
                 "Count failures within this time instead of those in a row: successes between "
                 "them do not forgive. With consecutiveFailures: 3 and all times 30s this is "
                 "nginx's max_fails=3 fail_timeout=30s.", UNSET),
    SCHEMA_FIELD(struct traffic_outlier, base_ejection, "baseEjectionTime", DURATION,
                 "The first ejection; later ones double.", INHERIT, .fallback = 5000),
    SCHEMA_FIELD(struct traffic_outlier, max_ejection, "maxEjectionTime", DURATION,
                 "The longest ejection.", INHERIT, .fallback = 60000),
    SCHEMA_FIELD(struct traffic_outlier, max_ejection_percent, "maxEjectionPercent", INT,
                 "How many of the endpoints may be ejected, in percent. The last one never is.",
                 .min = 1, .max = 100, INHERIT, .fallback = 50),
    SCHEMA_FIELD(struct traffic_outlier, http_failures, "httpFailures", INT,
                 "Answers in a row with one of httpStatuses that eject an endpoint. They then "
                 "count for themselves, and not for consecutiveFailures.",
                 .min = 1, .max = 1000, UNSET),
    SCHEMA_FIELD(struct traffic_outlier, http_statuses, "httpStatuses", LIST,
                 "Statuses that are failures; 500, 502, 503 and 504 when left out.", .max = 32,
                 .element = &status_element),
    SCHEMA_FIELD(struct traffic_outlier, tcp_failures, "tcpFailures", INT,
                 "The same of connections that could not be made or broke without an answer.",
                 .min = 1, .max = 1000, UNSET),
    SCHEMA_FIELD(struct traffic_outlier, timeouts, "timeouts", INT,
                 "The same of attempts that took too long.", .min = 1, .max = 1000, UNSET),
    SCHEMA_FIELD(struct traffic_outlier, successes, "successes", INT,
                 "Good answers in a row that an endpoint must give after an ejection: until then "
                 "one failure ejects it again, and for longer. When left out, it begins with a "
                 "clean slate.",
                 .min = 1, .max = 1000, UNSET),
    {0},
};

static void check_outlier(struct schema_run *run, const struct doc *node, void *value)
{
    const struct traffic_outlier *o = value;
    if (o->window == 0)
        schema_error(run, node, "window", "must not be 0");
    if (o->base_ejection == 0)
        schema_error(run, node, "baseEjectionTime", "must not be 0; see disabled");
    if (o->base_ejection > 0 && o->max_ejection >= 0 && o->max_ejection < o->base_ejection)
        schema_error(run, node, "maxEjectionTime", "must not be shorter than baseEjectionTime");
}

static const struct schema_rule outlier_rules[] = {
    {"!has(self.window) || duration(self.window) > duration('0s')", "window must not be 0"},
    {"!has(self.baseEjectionTime) || duration(self.baseEjectionTime) > duration('0s')",
     "baseEjectionTime must not be 0; see disabled"},
    {"!has(self.baseEjectionTime) || !has(self.maxEjectionTime) || duration(self.maxEjectionTime) "
     ">= duration(self.baseEjectionTime)",
     "maxEjectionTime must not be shorter than baseEjectionTime"},
    {0},
};

const struct schema outlier_detection_schema = {
    .name = "OutlierDetection",
    .doc = "Endpoints that keep failing get no requests for a while.",
    .size = sizeof(struct traffic_outlier),
    .fields = outlier_fields,
    .check = check_outlier,
    .rules = outlier_rules,
};
