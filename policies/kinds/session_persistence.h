/* How a client stays with the endpoint that it met first (GEP-1619): sessionPersistence of the
 * rules of HTTPRoutes and GRPCRoutes, and of TrafficPolicies.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

enum session_persistence_type { SESSION_PERSISTENCE_COOKIE, SESSION_PERSISTENCE_HEADER };
enum session_persistence_lifetime { SESSION_PERSISTENCE_SESSION, SESSION_PERSISTENCE_PERMANENT };

struct session_persistence_cookie {
    int lifetime; /* enum session_persistence_lifetime */
};

struct session_persistence {
    struct slice name;      /* of the cookie or header; empty: one of the rule's own */
    int64_t absolute, idle; /* milliseconds; SCHEMA_UNSET: none */
    int type;               /* enum session_persistence_type */
    struct session_persistence_cookie *cookie;
};

extern const struct schema session_persistence_schema;
