/* Keywords for what no other keyword has looked at.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jsonschema/json_schema_priv.h"

enum err keyword_unevaluated_properties_compile(struct json_schema_set *set, struct json_schema *s,
                                                struct schema_rule *r)
{
    (void)s;
    return schema_of(set, r->value, &r->schema);
}

enum err keyword_unevaluated_items_compile(struct json_schema_set *set, struct json_schema *s,
                                           struct schema_rule *r)
{
    (void)s;
    return schema_of(set, r->value, &r->schema);
}

static bool check_rest(struct json_schema_run *run, const struct schema_rule *r,
                       const struct json_value *v, struct schema_seen *seen)
{
    size_t at = 0;
    bool good = true;
    for (const struct json_value *child = v->first; child && (good || run->all);
         child = child->next) {
        if (!schema_seen_has(seen, at)) {
            good &= schema_check(run, r->schema, child);
            schema_seen_add(seen, at);
        }
        at++;
    }
    return good;
}

bool keyword_unevaluated_properties_check(struct json_schema_run *run, const struct json_schema *s,
                                          const struct schema_rule *r, const struct json_value *v,
                                          struct schema_seen *seen)
{
    (void)s;
    return v->type != JSON_VALUE_OBJECT || check_rest(run, r, v, seen);
}

bool keyword_unevaluated_items_check(struct json_schema_run *run, const struct json_schema *s,
                                     const struct schema_rule *r, const struct json_value *v,
                                     struct schema_seen *seen)
{
    (void)s;
    return v->type != JSON_VALUE_ARRAY || check_rest(run, r, v, seen);
}
