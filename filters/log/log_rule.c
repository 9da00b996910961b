/* Conditions are alternatives: an error, or slow. The sample is drawn of what they let through.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/log/log_rule.h"

#include "filters/shape/status_range.h"

enum { PERCENT = 1000, ALL = 100 * PERCENT };

/* ---- what users write ---- */

static const char *const forms[] = {"Inherit", "Text", "JSON", "Combined", "AWS", NULL};
static const struct schema_field status_element = {.type = SCHEMA_STRING, .min = 3, .max = 7};
static const struct schema_field member_element = {.type = SCHEMA_STRING, .max = 1024};

#define FIELDS_DOC                                                                           \
    "Envoy's %RESPONSE_CODE%, %REQ(NAME)% and %RESP(NAME)%, nginx's $status and $http_name " \
    "and API Gateway's $context.status stand for values of the request."

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct log_spec, is_enabled, "enabled", BOOL,
                 "False: these requests are in no access log.", .fallback = 1),
    SCHEMA_FIELD(struct log_spec, form, "format", ENUM,
                 "Inherit: as everywhere (MeshConfig, --access-log). Text: Istio's. JSON. "
                 "Combined: that of nginx and Apache. AWS: JSON as in API Gateway.",
                 .choices = forms, .fallback = LOG_FORM_INHERIT),
    SCHEMA_FIELD(struct log_spec, text, "text", STRING, "A format of one's own. " FIELDS_DOC,
                 .min = 1, .max = 4096),
    SCHEMA_FIELD(struct log_spec, json, "json", MAP,
                 "The same as a JSON object: members and their values. A value that is nothing "
                 "but a number stands without quotes.",
                 .max = 64, .element = &member_element),
    SCHEMA_FIELD(struct log_spec, statuses, "statuses", LIST,
                 "Only these: \"404\", \"5xx\", \"502-504\".", .max = 32,
                 .element = &status_element),
    SCHEMA_FIELD(struct log_spec, min_duration_ms, "minDuration", DURATION,
                 "Only what took that long. Beside statuses and onlyErrors: that too.",
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct log_spec, only_errors, "onlyErrors", BOOL,
                 "Only statuses from 400 on, answers of Weft's own, and failed calls of gRPC."),
    SCHEMA_FIELD(struct log_spec, sample, "samplePercent", QUANTITY,
                 "How many of these, chosen at random: \"100\", \"0.5\".", .fallback = ALL),
    {0},
};

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct log_spec *s = value;
    if ((s->form != LOG_FORM_INHERIT) + (s->text.ptr != NULL) + s->json.present > 1)
        schema_error(run, node, NULL, "takes one of format, text and json");
    if (s->json.present && !s->json.count)
        schema_error(run, node, "json", "must not be empty");
    if (s->sample < 0 || s->sample > ALL)
        schema_error(run, node, "samplePercent", "must be from 0 to 100");
}

const struct schema log_spec_schema = {
    .name = "AccessLog",
    .doc = "The access log of these requests, whatever the mesh says of it. The narrowest target "
           "counts.",
    .size = sizeof(struct log_spec),
    .fields = fields,
    .check = check_spec,
};

/* ---- what is made of it ---- */

static const struct schema_pair aws_members[] = {
#define PAIR(name, value) {{name, sizeof(name) - 1}, {value, sizeof(value) - 1}}
    PAIR("requestId", "$context.requestId"),
    PAIR("ip", "$context.identity.sourceIp"),
    PAIR("requestTime", "$context.requestTime"),
    PAIR("httpMethod", "$context.httpMethod"),
    PAIR("path", "$context.path"),
    PAIR("routeKey", "$context.routeKey"),
    PAIR("status", "$context.status"),
    PAIR("protocol", "$context.protocol"),
    PAIR("responseLength", "$context.responseLength"),
    PAIR("latency", "$context.responseLatency"),
    PAIR("integrationLatency", "$context.integrationLatency"),
    PAIR("userAgent", "$context.identity.userAgent"),
#undef PAIR
};

static enum err take_json(const struct filter_build *b, const struct schema_pair *members,
                          size_t count, struct log_rule *to)
{
    struct log_format_json j;
    log_format_json_begin(&j, b->arena);
    for (size_t i = 0; i < count; i++) {
        const char *why = log_format_json_member(&j, members[i].key, members[i].value);
        if (why)
            return filter_refuse(b, "json[%.*s]: %s", SLICE_ARG(members[i].key), why);
    }
    const char *why = log_format_json_end(&j, &to->format);
    return why ? filter_refuse(b, "json: %s", why) : ERR_OK;
}

static enum err take_format(const struct filter_build *b, const struct log_spec *s,
                            struct log_rule *to)
{
    struct slice text = s->text;
    if (s->json.present)
        return take_json(b, s->json.items, s->json.count, to);
    if (s->form == LOG_FORM_AWS)
        return take_json(b, aws_members, sizeof(aws_members) / sizeof(aws_members[0]), to);
    if (s->form == LOG_FORM_COMBINED)
        text = SLICE("$remote_addr - $remote_user [$time_local] \"$request\" $status "
                     "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"");
    const char *why = text.ptr ? log_format_text(b->arena, text, &to->format) : NULL;
    return why ? filter_refuse(b, "text: %s", why) : ERR_OK;
}

enum err log_rule_prepare(const struct filter_build *b, const struct log_spec *s,
                          struct log_rule *to)
{
    unsigned at = 0;
    *to = (struct log_rule){
        .form = (enum log_form)s->form,
        .is_enabled = s->is_enabled,
        .only_errors = s->only_errors,
        .sample = (uint32_t)s->sample,
        .min_duration_us = s->min_duration_ms == SCHEMA_UNSET
                               ? UINT64_MAX
                               : (uint64_t)s->min_duration_ms * 1000,
        .has_conditions = s->only_errors || s->statuses.count ||
                          s->min_duration_ms != SCHEMA_UNSET,
    };
    for (SCHEMA_EACH(s->statuses, struct slice, text)) {
        uint64_t from, last;
        if (!status_range_read(*text, &from, &last))
            return filter_refuse(b, "statuses[%u]: \"%.*s\" is not a status such as \"404\", "
                                    "\"5xx\" or \"502-504\"", at, SLICE_ARG(*text));
        for (uint64_t i = from; i <= last; i++)
            to->statuses[i / 64] |= (uint64_t)1 << (i % 64);
        at++;
    }
    return take_format(b, s, to);
}

/* ---- which ---- */

bool log_rule_wants(const struct log_rule *r, unsigned status, uint64_t duration_us, bool is_error,
                    uint64_t random)
{
    bool is_named = status < 600 && (r->statuses[status / 64] >> (status % 64) & 1);
    bool holds = !r->has_conditions || is_named || (r->only_errors && is_error) ||
                 duration_us >= r->min_duration_us;
    return r->is_enabled && holds && random % ALL < r->sample;
}
