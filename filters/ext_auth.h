/* External authorization: a service is shown a request and says whether it may go on, and with
 * what. Two protocols: gRPC as Envoy's ext_authz v3 (ext_auth_grpc.c) and HTTP (ext_auth_http.c).
 * The filter extAuth asks for each request, and AuthorizationPolicies of action CUSTOM for those
 * that their rules choose (authz.c).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

enum ext_auth_protocol { EXT_AUTH_HTTP, EXT_AUTH_GRPC };

struct ext_auth_body_spec {
    int64_t max; /* thousandths of a byte */
    bool allow_partial;
};

struct ext_auth_spec {
    int protocol; /* enum ext_auth_protocol */
    const struct schema_ref *backend;
    struct slice path;                  /* HTTP: in front of the request's own */
    struct schema_list allowed_headers; /* struct slice */
    struct schema_list to_backend;      /* struct slice */
    bool all_to_backend;                /* HTTP: whatever it answers with, as Gateway API has it */
    struct ext_auth_body_spec *body;    /* NULL: not shown */
    int64_t timeout_ms;
    bool fail_open;
    int64_t status_on_error;
    struct schema_list context; /* struct schema_pair */
};

extern const struct schema ext_auth_schema;

/* ---- what is made of it ---- */

struct ext_auth {
    enum ext_auth_protocol protocol;
    struct slice cluster;
    struct slice backend; /* for people: "authz:9191" */
    struct slice path;
    const struct slice *allowed, *to_backend; /* lower-case */
    uint32_t allowed_count, to_backend_count;
    bool all_to_backend;
    size_t body_max; /* 0: the body is not shown */
    bool allow_partial, fail_open;
    uint32_t timeout_ms;
    uint16_t status_on_error;
    const struct schema_pair *context;
    uint32_t context_count;
};

/* As a filter's prepare. */
MUST_USE enum err ext_auth_prepare(const struct filter_build *b, const void *spec, void *conf);
/* What is asked, for people: "asks shop/authz:9000 by gRPC". */
struct slice ext_auth_describe(struct arena *arena, const void *conf, struct slice prefix);
bool ext_auth_names(const struct slice *names, uint32_t count, struct slice name);

/* ---- what came of it ---- */

enum ext_auth_verdict { EXT_AUTH_ALLOWED, EXT_AUTH_DENIED, EXT_AUTH_FAILED };

enum ext_auth_action {
    EXT_AUTH_SET,
    EXT_AUTH_APPEND,         /* to what is there, or as a new one */
    EXT_AUTH_ADD_IF_ABSENT,
    EXT_AUTH_SET_IF_PRESENT,
};

struct ext_auth_header {
    struct slice name; /* lower-case, and one that may be changed */
    struct slice value;
    enum ext_auth_action action;
};

/* All of it lies in the exchange's arena. */
struct ext_auth_answer {
    enum ext_auth_verdict verdict;
    struct slice why; /* FAILED: a part of a sentence */
    uint16_t status;  /* DENIED: for the client */
    struct slice body;
    struct ext_auth_header *to_backend; /* ALLOWED */
    struct ext_auth_header *to_client;  /* ALLOWED: added to the response; DENIED: its headers */
    struct slice *remove;               /* ALLOWED: names of the request's */
    struct schema_pair *query_set;      /* ALLOWED */
    struct slice *query_remove;
    uint32_t to_backend_count, to_client_count, remove_count;
    uint32_t query_set_count, query_remove_count;
};

/* The body as the authorizer is shown it. */
struct ext_auth_body {
    struct slice bytes;
    bool is_whole;
};

/* Makes the call's request; false: such a request cannot be shown, and *why says so. */
MUST_USE bool ext_auth_http_ask(struct filter_exchange *x, const struct ext_auth *c,
                                const struct ext_auth_body *body, struct filter_call *call,
                                struct slice *why);
void ext_auth_grpc_ask(struct filter_exchange *x, const struct ext_auth *c,
                       const struct ext_auth_body *body, struct filter_call *call);
/* Of a call that is done. */
void ext_auth_http_read(struct filter_exchange *x, const struct ext_auth *c,
                        const struct filter_call *call, struct ext_auth_answer *out);
void ext_auth_grpc_read(struct filter_exchange *x, const struct ext_auth *c,
                        const struct filter_call *call, struct ext_auth_answer *out);
/* May an authorizer set or remove it? Not what frames messages, names the host, or is Weft's
 * own. */
bool ext_auth_may_change(struct slice name);

/* What the client says of itself where only the authorizer has a say is taken out. */
void ext_auth_strip(struct filter_exchange *x, const struct ext_auth *c);
/* The request as the authorizer wants it. */
void ext_auth_apply(struct filter_exchange *x, const struct ext_auth_answer *a);
void ext_auth_apply_response(struct message *response, const struct ext_auth_answer *a);

/* ---- one decision, under way ---- */

/* Lies in a ctx, zeroed before. */
struct ext_auth_state {
    bool is_begun, is_over;
    struct filter_call call;
    struct ext_auth_answer answer;
};

/* As on_request: NEXT (allowed), WAIT or REPLY. */
enum filter_verdict ext_auth_decide(struct filter_exchange *x, const struct ext_auth *c,
                                    struct ext_auth_state *own);
/* As on_response. */
void ext_auth_respond(struct filter_exchange *x, const struct ext_auth_state *own);

extern const struct filter filter_ext_auth;
