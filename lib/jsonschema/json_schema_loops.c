/* References that lead back to where they started without a step into the value: a check would
 * never end. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jsonschema/json_schema_priv.h"

enum { WHITE, GREY, BLACK, CHAIN_MAX = 400 };

static enum err visit(struct json_schema_set *set, struct json_schema *s, unsigned depth);

static enum err visit_one(struct json_schema_set *set, const struct json_schema *s, unsigned depth)
{
    struct schema_place *place = s ? schema_place_find(set, s->at) : NULL;
    return place ? visit(set, place->compiled, depth) : ERR_OK;
}

static enum err visit_rule(struct json_schema_set *set, const struct schema_rule *r, unsigned depth)
{
    enum err err = visit_one(set, r->schema, depth);
    err = err ? err : visit_one(set, r->other, depth);
    err = err ? err : visit_one(set, r->third, depth);
    for (size_t i = 0; r->schemas && !err && i < r->count; i++)
        err = visit_one(set, r->schemas[i], depth);
    for (size_t i = 0; r->named && !err && i < r->count; i++)
        err = visit_one(set, r->named[i].schema, depth);
    return err;
}

static enum err visit(struct json_schema_set *set, struct json_schema *s, unsigned depth)
{
    if (s->color == BLACK)
        return ERR_OK;
    if (s->color == GREY)
        return schema_refuse(set, s->at, "refers to itself, and no check of it would ever end");
    if (depth > CHAIN_MAX)
        return schema_refuse(set, s->at, "stands at the end of more than %d references", CHAIN_MAX);
    s->color = GREY;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < s->rule_count; i++)
        if (s->rules[i].keyword->is_in_place)
            err = visit_rule(set, &s->rules[i], depth + 1);
    s->color = BLACK;
    s->types = schema_types_of(s);
    return err;
}

enum err schema_find_loops(struct json_schema_set *set)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < set->count; i++)
        err = visit(set, set->all[i], 0);
    return err;
}
