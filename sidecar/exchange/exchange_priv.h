/* The exchange's inside, for the exchange*.c files and the sides (session/side.h). Callbacks
 * (exchange_events.c) record facts in `got` and wake; only steps decide.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/chain.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/net/http_stream.h"
#include "lib/codec/http/header_set.h"
#include "sidecar/session/session.h"
#include "sidecar/session/side.h"
#include "sidecar/upstream/request.h"

struct route_table; /* route/route_table.h */

#define EXCHANGE_MAGIC 0x45786368u
#define EXCHANGE_INTERIM_MAX 4
#define EXCHANGE_REPLAY_MAX 65536u

/* The road in order. Each is a function, exchange_step_<name>, in exchange.c where nothing else is
 * said. */
#define EXCHANGE_STEPS(X)                                           \
    X(admit)   /* is this request allowed to be looked at at all */ \
    X(guard)   /* the listener's filters: authorization */          \
    X(route)   /* which route, which backend */                     \
    X(filter)  /* the route's and the backend's request filters */  \
    X(pick)    /* which endpoint */                                 \
    X(send)    /* a connection, and the head on it */               \
    X(await)   /* the answer's head; or try again */                \
    X(backoff) /* before the next attempt */                        \
    X(respond) /* response filters, head to the client */           \
    X(relay)   /* bodies both ways until both ends are done */      \
    X(reply)   /* an answer of our own */                           \
    X(flush)   /* until the client has it */                        \
    X(finish)  /* account for it and let go */

enum exchange_step {
#define X(name) STEP_##name,
    EXCHANGE_STEPS(X)
#undef X
        STEP_COUNT
};

enum progress { GO, PARK, DONE };

/* Facts. */
enum {
    GOT_REQUEST_HEAD = 1u << 0,
    GOT_REQUEST_END = 1u << 1,
    GOT_RESPONSE_HEAD = 1u << 2,
    GOT_RESPONSE_END = 1u << 3,
    GOT_DOWN_ABORT = 1u << 4, /* the client went away */
    GOT_DOWN_DONE = 1u << 5,  /* the client has everything */
    GOT_UP_ABORT = 1u << 6,
    GOT_REQUEST_TIMEOUT = 1u << 7,
    GOT_ATTEMPT_TIMEOUT = 1u << 8,
    GOT_IDLE_TIMEOUT = 1u << 9,
    GOT_BACKOFF_OVER = 1u << 10,
    GOT_BODY_TIMEOUT = 1u << 11,   /* the client sends nothing of its body … */
    GOT_BODY_TOO_LARGE = 1u << 12, /* … or more than its listener takes */
    /* what we have done */
    SENT_REQUEST_END = 1u << 16,
    SENT_RESPONSE_HEAD = 1u << 17,
    SENT_RESPONSE_END = 1u << 18,
    IS_REPLAYABLE = 1u << 19, /* the request body so far is in `replay` */
    IS_SWITCHED = 1u << 21, /* 101, or 2xx to CONNECT: raw bytes both ways */
    FILTERS_REQUEST_BODY = 1u << 20, /* it goes by way of request_in */
    FILTERS_RESPONSE_BODY = 1u << 22,
    PEEKS_REQUEST_BODY = 1u << 23, /* a filter waits for more of it */
    PEEKS_RESPONSE_BODY = 1u << 24,
    IS_KEPT = 1u << 26,  /* the response is one that a filter has kept */
    IS_REPLY = 1u << 25, /* the response is reply_body and what was made for it */
    /* what is known of the request's head */
    HAS_CLAIMS = 1u << 28,    /* it says whom it is from, or by which road it came */
    HAS_ODD_NAMES = 1u << 29, /* names that some server takes for others */
};

struct exchange {
    uint32_t magic;
    uint32_t got;
    enum exchange_step step;
    struct session *session;
    struct worker *worker;
    struct lease *lease;
    struct list node;     /* in session->exchanges */
    struct list runnable; /* in worker->runnable */
    struct loop_task grave;
    struct arena arena;
    struct http_stream down;
    struct upstream_request up;

    struct message *request, *response;
    struct message *interim[EXCHANGE_INTERIM_MAX];
    unsigned interim_count;
    struct slice original_path, original_authority, match_path;
    struct forwarded client;  /* whom it is from */
    struct slice client_text; /* the address, where it was needed */
    const struct normalize_readings *other_paths; /* what else the path may mean; NULL: nothing */
    enum http_version came_in;     /* what the client spoke */
    enum http_version app_version; /* what the app on the other side shall be spoken to in */

    const struct route_conf *route;
    const struct backend_conf *backend;
    struct exchange_persistence *persistence; /* NULL: the client goes anywhere */
    struct slice given_cookie; /* value of a Set-Cookie for what is hashed; empty: none */
    struct filter_exchange view; /* the exchange as filters see it, filled in before they run */
    struct filter_road road;     /* how far their chains have come */
    struct buf request_in, response_in; /* what came for filters to look at */
    size_t request_unread, response_unread; /* of that: its sender was not told yet that it may
                                             * send more */
    size_t request_early, response_early; /* of what lies here: its sender was told so before it
                                           * went anywhere */
    uint64_t filter_due_ms;                 /* what waits is woken then; 0: never */

    struct buf request_body, response_body, replay;
    /* As they came; of the response's, view.response_trailers are sent. */
    const struct headers *request_trailers, *response_trailers;
    struct list awaiting; /* in worker->awaiting, while a filter waits for what others do */
    const void *awaited;
    struct list copies; /* of the request, on their way to mirrors */
    struct list calls;  /* of its filters, under way */
    struct list works;  /* what its filters have computed elsewhere */
    struct list asks;   /* to Redis, the same */
    uint64_t request_bytes, response_bytes;
    const struct client_conf *clients; /* by exchange_clients; NULL: nobody has asked yet */
    const struct client_connection *held; /* what a gateway's listener says; NULL: at a sidecar */
    uint64_t body_heard_ms; /* when something of the request's body came, or went on */

    bool fresh_only; /* a connection that had served before was lost already */
    enum fail fail;
    struct slice detail, reply_body;

    struct timer timer;
    uint64_t start_ns, first_byte_ns;
    uint64_t activity_ms, request_deadline_ms, attempt_deadline_ms, backoff_until_ms;
};

static inline bool has(const struct exchange *ex, uint32_t facts)
{
    return (ex->got & facts) != 0;
}

/* ---- exchange.c ---- */
#define X(name) enum progress exchange_step_##name(struct exchange *ex);
EXCHANGE_STEPS(X)
#undef X
/* Its step runs again before the loop blocks. */
void exchange_wake(struct exchange *ex);
/* What follows from a filter's verdict. */
enum progress exchange_take_verdict(struct exchange *ex, enum filter_verdict verdict,
                                    enum exchange_step next);
/* Ends in the reply step with that failure. */
enum progress exchange_fail(struct exchange *ex, enum fail why, struct slice detail);
/* Why an answer that has begun does not end. */
enum fail exchange_why_cut(const struct exchange *ex);
/* What has a say before it is routed. */
struct side_guard exchange_guard(const struct exchange *ex);
/* The route that it has, or would have if it came so far; NULL: none. */
const struct route_conf *exchange_find_route(const struct exchange *ex);
/* Sets ex->route, without a backend: FAIL_NO_ROUTE when there is none, FAIL_BAD_REQUEST when names
 * of headers pretend to be those by which the table decides. */
enum fail exchange_find_in_table(struct exchange *ex, const struct route_table *table,
                                 struct slice *detail);
/* Of the token by which it is known who calls, as the table may ask for them; NULL: none. */
static inline const struct doc *exchange_claims(const struct exchange *ex)
{
    return ex->view.caller ? ex->view.caller->claims : NULL;
}
/* One of ex->route's. Where there is none the filters of the route have the word all the same. */
void exchange_choose_backend(struct exchange *ex);
void exchange_use_cluster(struct exchange *ex, struct cluster *cluster);

/* ---- exchange_events.c ---- */
extern const struct http_events exchange_down_events, exchange_up_events;
void exchange_arm_timer(struct exchange *ex);
/* From here on only silence counts: what the deadlines were for is over, and what they have said so
 * far was heard. */
void exchange_lift_deadlines(struct exchange *ex);
void exchange_switch_deadlines(struct exchange *ex);
void exchange_on_timer(struct timer *t);
void exchange_on_connection(struct pool_wait *w);

/* ---- exchange_filters.c ---- */
/* The exchange as filters see it, brought up to date. */
struct filter_exchange *exchange_view(struct exchange *ex);
/* Both are FILTER_NEXT where there are no filters. */
enum filter_verdict exchange_enter_chain(struct exchange *ex, const struct filter_chain *chain);
enum filter_verdict exchange_answer_chain(struct exchange *ex);
void exchange_end_chain(struct exchange *ex);
/* Requests of filters' own that are under way. */
void exchange_cancel_calls(struct exchange *ex);
/* ---- exchange_redis.c: for struct filter_host ---- */
void exchange_redis(struct filter_exchange *x, struct filter_redis *asked);
void exchange_redis_post(struct filter_exchange *x, const struct filter_redis *asked);
/* What was not posted and is under way. */
void exchange_cancel_redis(struct exchange *ex);
/* ---- exchange_filters.c ---- */
/* For an answer of our own that was given before the route's filters had their turn: to those that
 * see every answer. */
void exchange_answer_unreached(struct exchange *ex);
/* ---- exchange_filter_bodies.c ---- */
/* All chains of requests are passed, or all of responses: from then on filters see the body. */
void exchange_begin_request_body(struct exchange *ex);
void exchange_begin_response_body(struct exchange *ex);
void exchange_end_bodies(struct exchange *ex);
/* Shows them what has come: never FILTER_WAIT. They rest while too much has to be sent. */
enum filter_verdict exchange_filter_request_body(struct exchange *ex);
enum filter_verdict exchange_filter_response_body(struct exchange *ex);
/* The same, however much has to be sent. */
enum filter_verdict exchange_run_request_body(struct exchange *ex);
enum filter_verdict exchange_run_response_body(struct exchange *ex);
/* `len` bytes of the body were handed on. */
void exchange_request_was_sent(struct exchange *ex, size_t len);
void exchange_response_was_sent(struct exchange *ex, size_t len);
/* A filter keeps the beginning of the body, and so the request stays here. */
bool exchange_keeps_request(const struct exchange *ex);
/* All of the body lies in request_body, or response_body, or was handed on. */
bool exchange_request_ended(const struct exchange *ex);
bool exchange_response_ended(const struct exchange *ex);

/* ---- exchange_peek.c: for struct filter_host ---- */
bool exchange_peek_request(struct exchange *ex, size_t max, struct slice *out, bool *is_whole);
bool exchange_peek_response(struct exchange *ex, size_t max, struct slice *out, bool *is_whole);
void exchange_replace_request(struct exchange *ex, struct slice body);
void exchange_replace_response(struct exchange *ex, struct slice body);
/* A hook waits before the head of the response goes on. */
enum progress exchange_response_waits(struct exchange *ex);
/* Of `len` bytes that leave: how many their sender has still to be told of. */
size_t exchange_untold(size_t *early, size_t len);

/* ---- exchange_listener.c ---- */
/* The head is there: from here on the listener's settings hold. */
void exchange_listener_adopt(struct exchange *ex);
/* The request goes on, or is answered by its listener. */
enum progress exchange_listener_admit(struct exchange *ex);
/* Something of the request's body has come, or was handed on. */
void exchange_listener_measure(struct exchange *ex);
/* When more of it must have come; 0: never. Then, whether the client is to blame. */
uint64_t exchange_listener_body_deadline(const struct exchange *ex);
void exchange_listener_body_is_due(struct exchange *ex);
/* The response's head is about to be sent. */
void exchange_listener_sign(struct exchange *ex);

/* ---- exchange_work.c ---- */
/* As filter_host.work. */
void exchange_work(struct filter_exchange *x, struct filter_work *asked);
/* The exchange ends: nobody waits any more. */
void exchange_let_work_go(struct exchange *ex);

/* ---- exchange_kept.c ---- */
/* As filter_host.answer. */
void exchange_answer_kept(struct exchange *ex, struct message *head, struct buf *body);
/* That is the response, and goes the way of one from a backend. */
static inline bool exchange_is_kept(const struct exchange *ex)
{
    return has(ex, IS_KEPT) && !has(ex, IS_REPLY);
}
/* Sends a part of its body, which is all here: TLS encrypts at once what it is given. */
void exchange_pump_kept(struct exchange *ex);

/* ---- exchange_await.c: for struct filter_host ---- */
void exchange_await(struct exchange *ex, const void *what);
void exchange_announce(struct exchange *ex, const void *what);

/* ---- exchange_headers.c ---- */
/* What holds for clients of the connection: found once. */
const struct client_conf *exchange_clients(struct exchange *ex);
/* The first look at a head, for names that are odd. False: it is refused (400), and *why says so.
 */
MUST_USE bool exchange_sift_head(struct exchange *ex, struct slice *why);
/* Whom it is from, by what is said and who may say it. */
void exchange_find_client(struct exchange *ex, bool at_gateway);
/* In the exchange's arena. */
struct slice exchange_address_text(struct exchange *ex, const struct addr *a);
/* The believed end of X-Forwarded-For and `peer` (may be empty), as one list. */
struct slice exchange_believed_list(struct exchange *ex, struct slice peer);
/* Takes out what only we may say, and what the other sidecar has said: that was read before. */
void exchange_take_controls(struct exchange *ex);
/* The request has an id from then on. */
void exchange_identify(struct exchange *ex);
/* False: a header pretends to be one of those, and *why says so. */
MUST_USE bool exchange_check_names(struct exchange *ex, const struct header_set *set,
                                   struct slice *why);
/* As what an app of that cluster shall be spoken to: as the client speaks, or as was declared. */
enum http_version exchange_version_for(const struct exchange *ex, const struct cluster_conf *to);
void exchange_prepare_attempt(struct exchange *ex);
void exchange_prepare_response(struct exchange *ex);
/* Without what may not come so late; NULL when nothing is left. In the exchange's arena. */
const struct headers *exchange_clean_trailers(struct exchange *ex, const struct headers *trailers);

/* ---- exchange_attempt.c: the steps pick, send, await and backoff ---- */
/* Moves on what can be moved. With the last byte that is SENT_REQUEST_END. */
void exchange_pump_request(struct exchange *ex);
/* Ends the attempt, whatever state it is in; the endpoint is still known. */
void exchange_cut_upstream(struct exchange *ex);
/* Did the time run out because the endpoint was silent, and not because the client had still to
 * send, or would not take? */
bool exchange_waits_for_endpoint(const struct exchange *ex);

/* ---- exchange_persist.c: where a route has sessionPersistence ---- */
/* The share that the client was sent to before; NULL: it is to be chosen. */
const struct backend_conf *exchange_persistent_backend(struct exchange *ex);
/* Its endpoint; NULL: it is to be chosen. */
struct endpoint *exchange_persistent_endpoint(struct exchange *ex);
/* Puts into the response what the client is to keep. */
void exchange_persist(struct exchange *ex);

/* ---- exchange_hash.c ---- */
/* What the cluster's balancer chooses by, where it says what that is; never 0. */
uint64_t exchange_hash(struct exchange *ex);

/* ---- exchange_report.c: the step reply, and what is told at the end ---- */
/* From the table, with its reason and, when detail is not empty, that in the body (kept, not
 * copied; it lies in the exchange's arena or is constant). */
void exchange_reply_fail(struct exchange *ex, enum fail fail, struct slice detail);
/* With a status and headers of one's own (a redirect, a preflight). Returns the head to add to. */
struct message *exchange_reply(struct exchange *ex, unsigned status, struct slice body);
/* At a gateway: an answer that a sidecar behind it gave by itself, and says why, becomes one that
 * does not, where the client is not to know. False: it stays as it is. */
bool exchange_hide_reason(struct exchange *ex);
void exchange_report(struct exchange *ex);
