/* The table of loadBalancing. Control thread. Must not know which endpoints there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/load_balancing.h"

#include <stdio.h>

#include "lib/codec/doc/doc.h"
#include "lib/schema/schema_format.h"

enum { HASH_ON_MAX = 4, COOKIE_PATH_MAX = 1024 };

#define LB(symbol, name, doc) name,
const char *const load_balancing_algorithms[] = {
#include "policies/kinds/lb.def"
    NULL,
};
#undef LB

#define LB(symbol, name, doc) " " name ": " doc "."
static const char algorithm_doc[] = "How an endpoint is chosen."
#include "policies/kinds/lb.def"
    ;
#undef LB

/* ---- what is hashed ---- */

static const char *const hash_types[] = {
    [HASH_ON_HEADER] = "Header",       [HASH_ON_COOKIE] = "Cookie",
    [HASH_ON_ADDRESS] = "Address",     [HASH_ON_QUERY] = "QueryParam",
    [HASH_ON_PATH] = "Path",           [HASH_ON_CONSUMER] = "Consumer",
    [HASH_ON_CLAIM] = "Claim",         NULL,
};

static const struct schema_field hash_fields[] = {
    SCHEMA_FIELD(struct traffic_hash_on, type, "type", ENUM,
                 "What of a request decides. Address: the client's. Path: without the query. "
                 "Consumer: who authenticated. Claim: of the token that was read.",
                 .flags = SCHEMA_REQUIRED, .choices = hash_types),
    SCHEMA_FIELD(struct traffic_hash_on, name, "name", STRING,
                 "Name of the header, cookie, query parameter or claim.", .min = 1, .max = 128),
    SCHEMA_FIELD(struct traffic_hash_on, path, "path", STRING,
                 "Path of a cookie that clients are given because they have none; \"/\" when left "
                 "out.",
                 .min = 1, .max = COOKIE_PATH_MAX, .format = &schema_format_path),
    SCHEMA_FIELD(struct traffic_hash_on, ttl, "ttl", DURATION,
                 "How long browsers keep such a cookie; until they are closed when left out.",
                 .fallback = SCHEMA_UNSET),
    {0},
};

static bool has_name(int type)
{
    return type == HASH_ON_HEADER || type == HASH_ON_COOKIE || type == HASH_ON_QUERY ||
           type == HASH_ON_CLAIM;
}

static void check_hash(struct schema_run *run, const struct doc *node, void *value)
{
    const struct traffic_hash_on *h = value;
    bool is_token = h->type == HASH_ON_HEADER || h->type == HASH_ON_COOKIE;
    if (has_name(h->type) && !h->name.len)
        schema_error(run, node, "name", "is required for this type");
    else if (!has_name(h->type) && h->name.len)
        schema_error(run, node, "name", "is only for Header, Cookie, QueryParam and Claim");
    else if (is_token && !schema_format_header_name.is_valid(h->name))
        schema_error(run, node, "name", "is not a name that a header or cookie can have");
    if (h->type != HASH_ON_COOKIE && h->path.len)
        schema_error(run, node, "path", "is only for Cookie");
    else if (slice_find_byte(h->path, ';') < h->path.len)
        schema_error(run, node, "path", "must not have a semicolon");
    if (h->type != HASH_ON_COOKIE && h->ttl != SCHEMA_UNSET)
        schema_error(run, node, "ttl", "is only for Cookie");
}

static const struct schema_rule hash_rules[] = {
    {"has(self.name) == (self.type in ['Header', 'Cookie', 'QueryParam', 'Claim'])",
     "name is for Header, Cookie, QueryParam and Claim, and required there"},
    {"!has(self.path) || !self.path.contains(';')", "path must not have a semicolon"},
    {"self.type == 'Cookie' || (!has(self.path) && !has(self.ttl))",
     "path and ttl are only for Cookie"},
    {0},
};

static const struct schema hash_schema = {
    .name = "HashOn",
    .doc = "What of a request decides where it goes.",
    .size = sizeof(struct traffic_hash_on),
    .fields = hash_fields,
    .check = check_hash,
    .rules = hash_rules,
};

static const struct schema_field hash_element = {.type = SCHEMA_INLINE, .object = &hash_schema};

/* ---- slow start ---- */

static const struct schema_field slow_start_fields[] = {
    SCHEMA_FIELD(struct traffic_slow_start, window, "window", DURATION,
                 "How long it takes until a new endpoint has its whole share.",
                 .flags = SCHEMA_REQUIRED),
    SCHEMA_FIELD(struct traffic_slow_start, percent, "minWeightPercent", INT,
                 "What it begins with, in percent of its share.", .min = 1, .max = 100,
                 .fallback = 10),
    {0},
};

static void check_slow_start(struct schema_run *run, const struct doc *node, void *value)
{
    const struct traffic_slow_start *s = value;
    if (s->window == 0 && doc_get(node, SLICE("window")))
        schema_error(run, node, "window", "must not be 0");
}

static const struct schema_rule slow_start_rules[] = {
    {"duration(self.window) > duration('0s')", "window must not be 0"},
    {0},
};

static const struct schema slow_start_schema = {
    .name = "SlowStart",
    .doc = "Spares endpoints that have just come.",
    .size = sizeof(struct traffic_slow_start),
    .fields = slow_start_fields,
    .check = check_slow_start,
    .rules = slow_start_rules,
};

/* ---- all of it ---- */

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct traffic_balancing, algorithm, "algorithm", ENUM, algorithm_doc,
                 .choices = load_balancing_algorithms),
    SCHEMA_FIELD(struct traffic_balancing, hash_on, "hashOn", LIST,
                 "What of a request RingHash and Maglev choose by: the first that the request has. "
                 "A request that has none of them goes anywhere. The client's address when left "
                 "out.",
                 .max = HASH_ON_MAX, .element = &hash_element),
    SCHEMA_FIELD(struct traffic_balancing, slow_start, "slowStart", OBJECT,
                 "Gives an endpoint that has just come, or is back from an ejection, a share that "
                 "grows evenly. Nothing for RingHash and Maglev.",
                 .object = &slow_start_schema),
    SCHEMA_FIELD(struct traffic_balancing, panic, "panicThreshold", INT,
                 "Below how many healthy endpoints, in percent of those that are ready, health is "
                 "not asked any more and all of them are called, so that the last ones are not "
                 "overrun. 0: only when none is healthy.",
                 .min = 0, .max = 100, .fallback = 0),
    SCHEMA_FIELD(struct traffic_balancing, session, "sessionPersistence", OBJECT,
                 "Keeps a client with the endpoint that it met first. The one field of this "
                 "section that is for routes too.",
                 .object = &session_persistence_schema),
    {0},
};

static bool does_hash(int algorithm)
{
    struct slice name = slice_from_cstr(load_balancing_algorithms[algorithm]);
    return slice_eq(name, SLICE("RingHash")) || slice_eq(name, SLICE("Maglev"));
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct traffic_balancing *b = value;
    for (size_t i = 0; i + 1 < b->hash_on.count; i++) {
        const struct traffic_hash_on *h = SCHEMA_AT(b->hash_on, struct traffic_hash_on, i);
        char where[32];
        snprintf(where, sizeof where, "hashOn[%zu]", i + 1);
        if (h->type == HASH_ON_COOKIE || h->type == HASH_ON_ADDRESS || h->type == HASH_ON_PATH)
            schema_error(run, node, where,
                         "is never asked: every request has what comes before it");
    }
    if (b->hash_on.count && !does_hash(b->algorithm))
        schema_warn(run, node, "hashOn", "does nothing: it is for RingHash and Maglev");
}

const struct schema load_balancing_schema = {
    .name = "LoadBalancing",
    .doc = "How an endpoint is chosen.",
    .size = sizeof(struct traffic_balancing),
    .fields = fields,
    .check = check,
};
