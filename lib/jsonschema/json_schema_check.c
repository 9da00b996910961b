/* Checking: every rule of a schema against a value, within bounds of work and depth.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "lib/jsonschema/json_schema_priv.h"

static bool give_up(struct json_schema_run *run, const char *why)
{
    if (run->is_exhausted)
        return false;
    run->is_exhausted = true;
    run->error_count = 1;
    run->errors[0] = (struct json_schema_error){.text = slice_from_cstr(why)};
    return false;
}

bool schema_step(struct json_schema_run *run, uint32_t steps)
{
    if (run->is_exhausted || steps > JSON_SCHEMA_STEPS_MAX - run->steps)
        return give_up(run, "takes too much work to check");
    run->steps += steps;
    return true;
}

bool schema_text_matches(struct json_schema_run *run, const struct regex *regex, struct slice text)
{
    if (!schema_step(run, 1))
        return false;
    enum regex_result result = regex_match(regex, text);
    if (result == REGEX_ERROR)
        give_up(run, "takes too much work to compare with a pattern");
    return result == REGEX_YES;
}

bool schema_fail(struct json_schema_run *run, const struct json_schema *s, const char *keyword,
                 const struct json_value *v, const char *format, ...)
{
    if (run->quiet || run->is_exhausted || run->error_count == JSON_SCHEMA_ERRORS_MAX)
        return false;
    va_list args;
    char text[256];
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t shown = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    run->errors[run->error_count++] = (struct json_schema_error){
        .instance = json_value_pointer(v, run->arena),
        .schema = arena_printf(run->arena, "%.*s#%.*s%s%s", SLICE_ARG(s->resource->uri),
                               SLICE_ARG(s->path), keyword[0] ? "/" : "", keyword),
        .text = arena_copy(run->arena, slice_of(text, shown)),
    };
    return false;
}

static struct schema_seen *new_seen(struct json_schema_run *run, struct schema_seen *seen,
                                    const struct json_value *v)
{
    size_t words = (v->count + 63) / 64;
    (void)schema_step(run, (uint32_t)words);
    seen->bits = arena_zalloc(run->arena, words * sizeof(*seen->bits));
    return seen;
}

static bool check_rules(struct json_schema_run *run, const struct json_schema *s,
                        const struct json_value *v, struct schema_seen *seen)
{
    bool good = true;
    for (size_t i = 0; i < s->rule_count; i++) {
        const struct schema_rule *r = &s->rules[i];
        if (!good && (run->quiet || !run->all || r->keyword->is_late))
            break;
        if (!r->keyword->check(run, s, r, v, seen) || run->is_exhausted)
            good = false;
    }
    return good;
}

static bool check_with(struct json_schema_run *run, const struct json_schema *s,
                       const struct json_value *v, struct schema_seen *seen)
{
    struct json_schema_scope here = {.parent = run->scope, .resource = s->resource};
    const struct json_schema_scope *before = run->scope;
    struct schema_seen own;
    if (s->never)
        return schema_fail(run, s, "", v, "is not allowed");
    if (!schema_step(run, 1))
        return false;
    if (run->depth >= JSON_SCHEMA_DEPTH_MAX)
        return give_up(run, "leads too deep into its schema");
    if (s->wants_seen && !seen)
        seen = new_seen(run, &own, v);
    if (!before || before->resource != s->resource)
        run->scope = &here;
    run->depth++;
    bool good = check_rules(run, s, v, seen);
    run->depth--;
    run->scope = before;
    return good;
}

bool schema_check(struct json_schema_run *run, const struct json_schema *s,
                  const struct json_value *v)
{
    return check_with(run, s, v, NULL);
}

bool schema_check_in_place(struct json_schema_run *run, const struct json_schema *s,
                           const struct json_value *v, struct schema_seen *seen)
{
    struct schema_seen own;
    if (!seen || !v->count)
        return check_with(run, s, v, NULL);
    if (!check_with(run, s, v, new_seen(run, &own, v)))
        return false;
    for (size_t i = 0; i < (v->count + 63) / 64; i++)
        seen->bits[i] |= own.bits[i];
    return true;
}

bool schema_is_met(struct json_schema_run *run, const struct json_schema *s,
                   const struct json_value *v, struct schema_seen *seen)
{
    run->quiet++;
    bool good = schema_check_in_place(run, s, v, seen);
    run->quiet--;
    return good;
}

bool json_schema_check(struct json_schema_run *run, const struct json_schema *s,
                       const struct json_value *v)
{
    bool good = schema_check(run, s, v);
    return good && !run->is_exhausted;
}
