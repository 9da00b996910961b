/* The table of how connections of clients are held. Control thread.
 * Must not know whose connections they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/client_connection.h"

#include "lib/schema/schema_format.h"

#define INHERIT .flags = SCHEMA_INHERIT

enum { SECOND_MS = 1000, HOUR_MS = 3600 * SECOND_MS, SHORTEST_MS = 100 };

const char *const client_connection_proxy_names[] = {
    [CLIENT_CONNECTION_PROXY_DISABLED] = "Disabled",
    [CLIENT_CONNECTION_PROXY_REQUIRED] = "Required",
    NULL,
};

/* ---- timeouts ---- */

static const struct schema_field timeout_fields[] = {
    SCHEMA_FIELD(struct client_connection_timeouts, request_head, "requestHeader", DURATION,
                 "From the first byte of a request until its header is complete; later it is "
                 "answered 408, and the connection is closed. The same holds for a header of the "
                 "PROXY protocol.",
                 INHERIT, .fallback = 10 * SECOND_MS),
    SCHEMA_FIELD(struct client_connection_timeouts, request_body, "requestBody", DURATION,
                 "How long a client may send nothing of a request's body that is not complete; "
                 "later it is answered 408. \"0s\": for as long as timeouts.idle of the route "
                 "allows.",
                 INHERIT, .fallback = 0),
    SCHEMA_FIELD(struct client_connection_timeouts, idle, "idle", DURATION,
                 "How long a connection is kept without a request.", INHERIT, .fallback = HOUR_MS),
    SCHEMA_FIELD(struct client_connection_timeouts, connection, "connection", DURATION,
                 "How old an HTTP connection may become. Then it takes no new request, and is "
                 "closed when those that it has are answered. \"0s\": any age.",
                 INHERIT, .fallback = 0),
    {0},
};

static bool is_within(int64_t ms)
{
    return ms == SCHEMA_UNSET || (ms >= SHORTEST_MS && ms <= SCHEMA_DURATION_MAX_MS);
}

static void check_timeouts(struct schema_run *run, const struct doc *node, void *value)
{
    const struct client_connection_timeouts *t = value;
    if (!is_within(t->request_head))
        schema_error(run, node, "requestHeader", "must be from 100ms to 1000h");
    if (!is_within(t->idle))
        schema_error(run, node, "idle", "must be from 100ms to 1000h");
    if (t->request_body && !is_within(t->request_body))
        schema_error(run, node, "requestBody", "must be 0s, or from 100ms to 1000h");
    if (t->connection && !is_within(t->connection))
        schema_error(run, node, "connection", "must be 0s, or from 100ms to 1000h");
}

#define IS_WITHIN(field)                               \
    "(duration(self." field ") >= duration('100ms') && " \
    "duration(self." field ") <= duration('1000h'))"
#define IS_NONE(field) "duration(self." field ") == duration('0s')"

static const struct schema_rule timeout_rules[] = {
    {"!has(self.requestHeader) || " IS_WITHIN("requestHeader"),
     "requestHeader must be from 100ms to 1000h"},
    {"!has(self.idle) || " IS_WITHIN("idle"), "idle must be from 100ms to 1000h"},
    {"!has(self.requestBody) || " IS_NONE("requestBody") " || " IS_WITHIN("requestBody"),
     "requestBody must be 0s, or from 100ms to 1000h"},
    {"!has(self.connection) || " IS_NONE("connection") " || " IS_WITHIN("connection"),
     "connection must be 0s, or from 100ms to 1000h"},
    {0},
};

const struct schema client_connection_timeouts_schema = {
    .name = "ClientTimeouts",
    .doc = "How long clients of a Gateway may take. Without meaning for sidecars.",
    .size = sizeof(struct client_connection_timeouts),
    .fields = timeout_fields,
    .check = check_timeouts,
    .rules = timeout_rules,
};

/* ---- HTTP/2 ---- */

/* Windows below what RFC 9113 §6.9.2 begins with would have to be taken back first. */
static const struct schema_field http2_fields[] = {
    SCHEMA_FIELD(struct client_connection_http2, max_streams, "maxConcurrentStreams", INT,
                 "Requests that one connection may have under way.", INHERIT, .min = 1,
                 .max = 10000, .fallback = 100),
    SCHEMA_FIELD(struct client_connection_http2, stream_window, "streamWindow", INT,
                 "Bytes of one request's body that a client may send before they are wanted.",
                 INHERIT, .min = 65535, .max = 16777216, .fallback = 65536),
    SCHEMA_FIELD(struct client_connection_http2, connection_window, "connectionWindow", INT,
                 "The same of all requests of a connection together.", INHERIT, .min = 65535,
                 .max = 67108864, .fallback = 1048576),
    {0},
};

const struct schema client_connection_http2_schema = {
    .name = "ClientHTTP2",
    .doc = "How much clients of a Gateway may have under way over HTTP/2. Without meaning for "
           "sidecars.",
    .size = sizeof(struct client_connection_http2),
    .fields = http2_fields,
};

/* ---- the Server field ---- */

static const char *const server_actions[] = {
    [CLIENT_CONNECTION_SERVER_KEEP] = "Keep",
    [CLIENT_CONNECTION_SERVER_REMOVE] = "Remove",
    [CLIENT_CONNECTION_SERVER_SET] = "Set",
    NULL,
};

static const struct schema_field server_fields[] = {
    SCHEMA_FIELD(struct client_connection_server, action, "action", ENUM,
                 "What the backend says is passed on (Keep), left out (Remove), or replaced by "
                 "`value`, which responses of Weft's own have too (Set).",
                 INHERIT, .choices = server_actions, .fallback = CLIENT_CONNECTION_SERVER_KEEP),
    SCHEMA_FIELD(struct client_connection_server, value, "value", STRING,
                 "What to say, with action Set.", INHERIT, .min = 1, .max = 128,
                 .format = &schema_format_header_value),
    {0},
};

static void check_server(struct schema_run *run, const struct doc *node, void *value)
{
    const struct client_connection_server *s = value;
    if (s->action == CLIENT_CONNECTION_SERVER_SET && !s->value.len)
        schema_error(run, node, "value", "is required with action Set");
}

static const struct schema_rule server_rules[] = {
    {"!has(self.action) || self.action != 'Set' || has(self.value)",
     "value is required with action Set"},
    {0},
};

const struct schema client_connection_server_schema = {
    .name = "ServerHeader",
    .doc = "What the Server field of responses to clients of a Gateway is. Without meaning for "
           "sidecars.",
    .size = sizeof(struct client_connection_server),
    .fields = server_fields,
    .check = check_server,
    .rules = server_rules,
};

/* ---- to HTTPS ---- */

static const char *const redirect_modes[] = {
    [CLIENT_CONNECTION_REDIRECT_DISABLED] = "Disabled",
    [CLIENT_CONNECTION_REDIRECT_ENABLED] = "Enabled",
    NULL,
};

static const char *const challenge_names[] = {
    [CLIENT_CONNECTION_CHALLENGES_SERVE] = "Serve",
    [CLIENT_CONNECTION_CHALLENGES_REDIRECT] = "Redirect",
    NULL,
};

static const struct schema_field redirect_fields[] = {
    SCHEMA_FIELD(struct client_connection_redirect, mode, "mode", ENUM,
                 "Whether requests are redirected. Those over TLS, or that a trusted proxy "
                 "received over TLS (X-Forwarded-Proto), are not.",
                 INHERIT, .choices = redirect_modes,
                 .fallback = CLIENT_CONNECTION_REDIRECT_DISABLED),
    SCHEMA_FIELD(struct client_connection_redirect, status, "statusCode", INT, "301 or 308.",
                 INHERIT, .min = 301, .max = 308, .fallback = 301),
    SCHEMA_FIELD(struct client_connection_redirect, port, "port", INT,
                 "The port of HTTPS that clients reach.", INHERIT, .min = 1, .max = 65535,
                 .fallback = 443),
    SCHEMA_FIELD(struct client_connection_redirect, challenges, "acmeChallenges", ENUM,
                 "Whether requests below /.well-known/acme-challenge/ go to their routes (Serve), "
                 "so that a certificate can be issued where there is none yet, or are redirected "
                 "too (Redirect).",
                 INHERIT, .choices = challenge_names,
                 .fallback = CLIENT_CONNECTION_CHALLENGES_SERVE),
    {0},
};

static void check_redirect(struct schema_run *run, const struct doc *node, void *value)
{
    const struct client_connection_redirect *r = value;
    if (r->status != SCHEMA_UNSET && r->status != 301 && r->status != 308)
        schema_error(run, node, "statusCode", "is %d, must be 301 or 308", (int)r->status);
}

static const struct schema_rule redirect_rules[] = {
    {"!has(self.statusCode) || self.statusCode in [301, 308]", "statusCode must be 301 or 308"},
    {0},
};

const struct schema client_connection_redirect_schema = {
    .name = "HTTPSRedirect",
    .doc = "Whether requests that come without TLS are sent to HTTPS. Without meaning for "
           "sidecars.",
    .size = sizeof(struct client_connection_redirect),
    .fields = redirect_fields,
    .check = check_redirect,
    .rules = redirect_rules,
};

/* ---- all of it ---- */

static const struct schema_field fields[] = {
    CLIENT_CONNECTION_FIELDS(struct client_connection, ),
    {0},
};

const struct schema client_connection_schema = {
    .name = "ClientConnection",
    .doc = "How connections of clients are held.",
    .size = sizeof(struct client_connection),
    .fields = fields,
};
