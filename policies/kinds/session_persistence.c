/* The table of sessionPersistence, with the rules of the standard. Control thread. Must not know
 * what a route leads to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/session_persistence.h"

#include "lib/schema/schema_format.h"

static const char *const types[] = {
    [SESSION_PERSISTENCE_COOKIE] = "Cookie",
    [SESSION_PERSISTENCE_HEADER] = "Header",
    NULL,
};
static const char *const lifetimes[] = {
    [SESSION_PERSISTENCE_SESSION] = "Session",
    [SESSION_PERSISTENCE_PERMANENT] = "Permanent",
    NULL,
};

static const struct schema_field cookie_fields[] = {
    SCHEMA_FIELD(struct session_persistence_cookie, lifetime, "lifetimeType", ENUM,
                 "Session: browsers forget the cookie when they are closed. Permanent: they keep "
                 "it for absoluteTimeout.",
                 .choices = lifetimes),
    {0},
};

static const struct schema cookie_schema = {
    .name = "CookieConfig",
    .doc = "How long browsers keep the cookie.",
    .size = sizeof(struct session_persistence_cookie),
    .fields = cookie_fields,
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct session_persistence, name, "sessionName", STRING,
                 "Name of the cookie or header; one that is made of the rule's name when left out.",
                 .max = 128, .format = &schema_format_header_name),
    SCHEMA_FIELD(struct session_persistence, absolute, "absoluteTimeout", DURATION,
                 "How long a session lasts, however much it is used; for ever when left out.",
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct session_persistence, idle, "idleTimeout", DURATION,
                 "How long a session may be unused; for ever when left out.",
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct session_persistence, type, "type", ENUM,
                 "Cookie: clients keep what Set-Cookie says, as browsers do. Header: they send "
                 "back what they find in the response header of that name.",
                 .choices = types),
    SCHEMA_FIELD(struct session_persistence, cookie, "cookieConfig", OBJECT,
                 "How long browsers keep the cookie.", .object = &cookie_schema),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct session_persistence *s = value;
    bool is_permanent = s->cookie && s->cookie->lifetime == SESSION_PERSISTENCE_PERMANENT;
    if (s->cookie && s->type != SESSION_PERSISTENCE_COOKIE)
        schema_error(run, node, "cookieConfig", "can only be set with type Cookie");
    else if (is_permanent && s->absolute == SCHEMA_UNSET)
        schema_error(run, node, "absoluteTimeout", "is required when lifetimeType is Permanent");
    if (s->absolute == 0)
        schema_error(run, node, "absoluteTimeout", "must not be 0");
    if (s->idle == 0)
        schema_error(run, node, "idleTimeout", "must not be 0");
}

static const struct schema_rule rules[] = {
    {"!has(self.cookieConfig) || !has(self.type) || self.type == 'Cookie'",
     "cookieConfig can only be set with type Cookie"},
    {"!has(self.cookieConfig) || !has(self.cookieConfig.lifetimeType) || "
     "self.cookieConfig.lifetimeType != 'Permanent' || has(self.absoluteTimeout)",
     "absoluteTimeout is required when lifetimeType is Permanent"},
    {"!has(self.absoluteTimeout) || duration(self.absoluteTimeout) > duration('0s')",
     "absoluteTimeout must not be 0"},
    {"!has(self.idleTimeout) || duration(self.idleTimeout) > duration('0s')",
     "idleTimeout must not be 0"},
    {0},
};

const struct schema session_persistence_schema = {
    .name = "SessionPersistence",
    .doc = "How a client stays with the endpoint that it met first.",
    .size = sizeof(struct session_persistence),
    .fields = fields,
    .check = check,
    .rules = rules,
};
