/* How a Gateway holds the connections of its clients: part of what MeshConfig (spec.clientTraffic)
 * and ListenerPolicy say. It goes to the data plane as the table writes it (ClientTraffic.spec) and
 * is read there by the same table. A setting is a member here, a row in client_connection.c, and
 * the line that acts by it, which finds it in struct client_conf (sidecar/config/client_conf.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

enum client_connection_proxy { CLIENT_CONNECTION_PROXY_DISABLED, CLIENT_CONNECTION_PROXY_REQUIRED };

enum client_connection_server_action {
    CLIENT_CONNECTION_SERVER_KEEP,
    CLIENT_CONNECTION_SERVER_REMOVE,
    CLIENT_CONNECTION_SERVER_SET,
};

enum client_connection_redirect_mode {
    CLIENT_CONNECTION_REDIRECT_DISABLED,
    CLIENT_CONNECTION_REDIRECT_ENABLED,
};

/* What becomes of the questions of a certificate authority (ACME, HTTP-01) where the rest goes to
 * HTTPS. */
enum client_connection_challenges {
    CLIENT_CONNECTION_CHALLENGES_SERVE,
    CLIENT_CONNECTION_CHALLENGES_REDIRECT,
};

/* Milliseconds; 0 is none. */
struct client_connection_timeouts {
    int64_t request_head, request_body, idle, connection;
};

struct client_connection_http2 {
    int64_t max_streams, stream_window, connection_window;
};

struct client_connection_server {
    int action; /* enum client_connection_server_action */
    struct slice value;
};

struct client_connection_redirect {
    int mode; /* enum client_connection_redirect_mode */
    int64_t port, status;
    int challenges; /* enum client_connection_challenges */
};

struct client_connection {
    int proxy; /* enum client_connection_proxy */
    struct client_connection_timeouts timeouts;
    int64_t max_requests; /* 0: any number */
    struct client_connection_http2 http2;
    int64_t max_connections; /* of all workers together; 0: any number */
    int64_t max_body;        /* thousandths of a byte; 0: any size */
    struct client_connection_server server;
    struct client_connection_redirect redirect;
};

extern const struct schema client_connection_schema; /* of struct client_connection */
extern const struct schema client_connection_timeouts_schema, client_connection_http2_schema,
    client_connection_server_schema, client_connection_redirect_schema;
extern const char *const client_connection_proxy_names[];

#define CLIENT_CONNECTION_PROXY_DOC                                                               \
    "Whether each connection begins with a header of the PROXY protocol (version 1 or 2), in "    \
    "which a load balancer says who the client is (Required). A connection without it, and one "  \
    "from outside of trustedAddresses where that is not empty, is closed. Where it is empty "     \
    "everybody who reaches the port is believed, so only the load balancer may reach it. "        \
    "Without meaning for UDP and for sidecars."
#define CLIENT_CONNECTION_REQUESTS_DOC                                                          \
    "After how many requests a connection is ended in good order: Connection: close over "      \
    "HTTP/1, GOAWAY over HTTP/2; 0: any number. Without meaning for sidecars."

#define CLIENT_CONNECTION_MAX_DOC                                                               \
    "How many connections a port may have at the same time, of all clients and in each pod of " \
    "the Gateway; one more is closed at once. 0: any number. What is said for one of several "  \
    "listeners of a TLS port has no effect. Without meaning for UDP and for sidecars."
#define CLIENT_CONNECTION_BODY_DOC                                                             \
    "How many bytes the body of a request may have, whatever its route: \"10Mi\", \"512k\" or a " \
    "number; more is answered 413. 0: any number. Without meaning for sidecars."

/* The rows of a struct that has a struct client_connection at `prefix`. */
#define CLIENT_CONNECTION_FIELDS(struct_, prefix)                                             \
    SCHEMA_FIELD(struct_, prefix proxy, "proxyProtocol", ENUM, CLIENT_CONNECTION_PROXY_DOC,   \
                 .flags = SCHEMA_INHERIT, .choices = client_connection_proxy_names,           \
                 .fallback = CLIENT_CONNECTION_PROXY_DISABLED),                               \
        SCHEMA_FIELD(struct_, prefix timeouts, "timeouts", INLINE,                            \
                     "How long clients of a Gateway may take.",                               \
                     .object = &client_connection_timeouts_schema),                           \
        SCHEMA_FIELD(struct_, prefix max_requests, "maxRequestsPerConnection", INT,           \
                     CLIENT_CONNECTION_REQUESTS_DOC, .flags = SCHEMA_INHERIT,                 \
                     .max = 1000000000, .fallback = 0),                                       \
        SCHEMA_FIELD(struct_, prefix http2, "http2", INLINE,                                  \
                     "How much clients of a Gateway may have under way over HTTP/2.",         \
                     .object = &client_connection_http2_schema),                              \
        SCHEMA_FIELD(struct_, prefix max_connections, "maxConnections", INT,                  \
                     CLIENT_CONNECTION_MAX_DOC, .flags = SCHEMA_INHERIT, .max = 10000000,     \
                     .fallback = 0),                                                          \
        SCHEMA_FIELD(struct_, prefix max_body, "maxRequestBody", QUANTITY,                    \
                     CLIENT_CONNECTION_BODY_DOC, .flags = SCHEMA_INHERIT, .fallback = 0),     \
        SCHEMA_FIELD(struct_, prefix server, "serverHeader", INLINE,                          \
                     "What the Server field of responses to clients of a Gateway is.",        \
                     .object = &client_connection_server_schema),                             \
        SCHEMA_FIELD(struct_, prefix redirect, "httpsRedirect", INLINE,                       \
                     "Whether requests that come without TLS are sent to HTTPS, before there " \
                     "is a route.",                                                           \
                     .object = &client_connection_redirect_schema)
