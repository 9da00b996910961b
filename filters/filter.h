/* The contract of a filter: a step that may look at, change or answer a request or its response.
 * One filter is one file, in this order: what its users write (a struct and its schema), what is
 * made of that (prepare), the hooks, and last its table, `const struct filter filter_<name>`, which
 * one row of filters.def names. docs/architecture.md has the rest.
 *
 * Everything a filter knows of a request is in struct filter_exchange, and everything it may do is
 * in struct filter_host, so a filter links with any program and a test runs it without a stand-in.
 * Configuration is made on the control thread, is immutable and shared by all workers; hooks run on
 * the worker that serves the request.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filters/caller/caller.h"
#include "filters/caller/consumer.h"
#include "filters/downstream.h"
#include "filters/fail.h"
#include "filters/keep.h"
#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/codec/http/forwarded.h"
#include "lib/codec/http/message.h"
#include "lib/schema/schema.h"

struct filter;
struct filter_exchange;
struct filter_fetch;
struct filter_redis;
struct log_rule;
struct normalize_readings;

/* ---- a request of a filter's own ---- */

/* Lies in the filter's ctx, zeroed before it is filled in. What it points at lies in the exchange's
 * arena, in the filter's configuration, or is constant. */
struct filter_call {
    struct slice cluster;    /* whom: the name of a cluster of the configuration */
    struct message *request; /* made with filter_call_request; what sidecars tell each other is put
                              * in when it is sent */
    struct slice body;
    uint32_t timeout_ms; /* from the start to the end of the answer; 0: what the policies of the
                          * service say, else 5 s */
    uint32_t body_max;   /* of the answer; 0: 64 KiB */

    /* What came of it, once is_done. */
    bool is_done;
    const struct fail_info *failed; /* NULL: it was answered, with whatever status */
    struct slice detail;            /* what more is known of the failure; may be empty */
    const struct message *response; /* NULL when it failed */
    const struct headers *trailers; /* may be NULL */
    struct slice response_body;
};

/* With the service's own name as authority; the caller adds headers. */
struct message *filter_call_request(struct filter_call *call, struct arena *arena,
                                    struct slice method, struct slice path);

/* ---- a long computation ---- */

/* Lies on the heap, and is the first member of what the computation needs and finds: it may outlive
 * the exchange, which can end at any moment. */
struct filter_job {
    /* On a thread of the pool. Touches this memory and nothing else: no exchange, no configuration.
     */
    void (*run)(struct filter_job *job);
    /* Once, on the thread of whoever frees it, run or not; may be NULL. */
    void (*dispose)(struct filter_job *job);
    size_t size;
};

/* Zeroed, but for the head. The host's once it was handed over: it is wiped and freed there. */
void *filter_job_create(size_t size, void (*run)(struct filter_job *job));
/* Of one that was never handed over. NULL is allowed. */
void filter_job_free(struct filter_job *job);

/* Lies in the filter's ctx, zeroed. */
struct filter_work {
    struct filter_job *job;  /* once is_done: with its results, until the exchange ends */
    bool is_done;
    bool is_refused; /* is_done, and not run: too many wait already. Answer 503. */
};

/* ---- a request, as filters see it ---- */

/* What a filter may do. Functions of the worker thread, for the exchange that they are given. */
struct filter_host {
    /* Answers here. Returns the head, for more headers; the body is kept and not copied, so it lies
     * in the exchange's arena, in the filter's configuration, or is constant. Follow with
     * FILTER_REPLY. Only before the response's head has been sent. */
    struct message *(*reply)(struct filter_exchange *x, unsigned status, struct slice body);
    /* Answers with one of the filter's own failures, or one of fail.def (fail_info): the reason
     * goes into the access log and the metrics. detail may be empty, and is kept as body is.
     * Returns the head, for more headers or another status. */
    struct message *(*fail)(struct filter_exchange *x, const struct fail_info *why,
                            struct slice detail);
    /* Answers with what was kept, as the backend would have given it: the response filters of
     * earlier phases see head and body as theirs. What the backend may have begun to answer is cut
     * off. body: taken over. Follow with FILTER_REPLY. In on_request and on_response. */
    void (*answer)(struct filter_exchange *x, struct message *head, struct buf *body);
    /* From now on the exchange, on whatever worker, is woken when another one announces the same;
     * once, and one thing at a time. NULL: never mind. */
    void (*await)(struct filter_exchange *x, const void *what);
    void (*announce)(struct filter_exchange *x, const void *what);
    /* A hook that answered FILTER_WAIT is called again soon, never from inside this call. */
    void (*wake)(struct filter_exchange *x);
    /* The same, when that much time has passed. The last call counts; 0: never mind. */
    void (*wake_after)(struct filter_exchange *x, uint32_t ms);
    /* Milliseconds of the loop's clock, which never goes back. */
    uint64_t (*now_ms)(const struct filter_exchange *x);
    /* The same clock in microseconds, for measuring. */
    uint64_t (*now_us)(const struct filter_exchange *x);
    /* Milliseconds since 1970-01-01 UTC by the wall clock, which may step either way. */
    int64_t (*unix_ms)(const struct filter_exchange *x);
    uint64_t (*random)(struct filter_exchange *x);
    /* Asks a service: one attempt, over the pools, the mutual TLS and the limits of all requests to
     * it, and in their metrics. Where call->is_done is true when this returns, it has failed at
     * once; else answer FILTER_WAIT and look again when called again, which may be for another
     * reason. The call ends with the exchange at the latest, and is not done then. */
    void (*call)(struct filter_exchange *x, struct filter_call *call);
    /* Begins to fetch a document for all workers (filters/fetch.h), apart from this exchange.
     * False: that is under way already. Never done before this returns. */
    bool (*fetch)(struct filter_exchange *x, struct filter_fetch *what);
    /* The same with the request `head`, of which everything is copied, to the exchange's own
     * backend. False: not begun, because a filter behind this one would still change the request.
     */
    bool (*refetch)(struct filter_exchange *x, const struct message *head,
                    struct filter_fetch *what);
    /* Computes elsewhere what would keep this thread for more than a millisecond, or may block.
     * work->job is handed over. As with `call`: where work->is_done is true at once it was refused;
     * else answer FILTER_WAIT and look again. */
    void (*work)(struct filter_exchange *x, struct filter_work *work);
    /* For a filter that decides by the body before others see the request, in on_request: what the
     * body begins with, at most `max` bytes of it (max: up to FILTER_HOLD_MAX, filters/chain.h),
     * copied into the arena, as the filters before this one let it go (on_request_body). The body
     * itself goes on as it came. False: more has to come first; answer FILTER_WAIT. *is_whole:
     * there is no more of it; never so of a request that may switch protocols, of which only what
     * has come is shown. */
    bool (*peek_body)(struct filter_exchange *x, size_t max, struct slice *out, bool *is_whole);
    /* Sends another body instead of the one that peek_body has shown whole; Content-Length becomes
     * right. The filters behind this one see the new body. It is copied. */
    void (*replace_body)(struct filter_exchange *x, struct slice body);
    /* The same two for the response, in on_response: before its head is sent, so that status and
     * headers may follow from the body. What it begins with, at most `max` bytes of it. False:
     * answer FILTER_WAIT. When the backend breaks off meanwhile, or a filter that has the body
     * first refuses it, the hook is called again with an answer of our own. Of an answer of our own
     * all is there at once. *is_whole: never so behind a switch of protocols. */
    bool (*peek_response_body)(struct filter_exchange *x, size_t max, struct slice *out,
                               bool *is_whole);
    /* Where the response has no content (to HEAD; 204, 304) only Content-Length says what there
     * would have been, or nothing. `body` lives as long as the exchange. */
    void (*replace_response_body)(struct filter_exchange *x, struct slice body);
    /* Asks a Redis server (filters/redis.h). As for call: it may be done when this returns, else
     * look again when the hook is called again. The question ends with the exchange, and may have
     * had its effect all the same. */
    void (*redis)(struct filter_exchange *x, struct filter_redis *ask);
    /* The same without an answer: what is asked is copied, is sent also when the exchange ends, and
     * `ask` is not looked at again. For accounts that are settled afterwards. */
    void (*redis_post)(struct filter_exchange *x, const struct filter_redis *ask);
    /* One more of the filter's events (struct filter's `events`), in
     * weft_filter_events_total{filter, event}. */
    void (*count)(struct filter_exchange *x, const struct filter *f, unsigned event);
};

/* The first member of an exchange. Filters change nothing here but what request and response point
 * at, `caller`, `awaits_token`, `shown_path`, `needs_http2`, `response_trailers`, `flag` and
 * `log`. */
struct filter_exchange {
    const struct filter_host *host;
    struct arena *arena;        /* lives as long as the exchange */
    struct message *request;    /* as it will be sent on */
    struct message *response;   /* NULL before there is one */
    bool is_answered_here;      /* the response is ours, and no backend has given it */
    struct slice original_path; /* as the client sent it, with its query */
    struct slice original_authority; /* the host, likewise */
    struct slice match_path;    /* canonical, without query (lib/codec/http/normalize.h) */
    const struct normalize_readings *other_paths; /* what else it may mean; NULL: nothing */
    const struct downstream_info *downstream;
    const struct forwarded *client; /* whom it is from, as far as those who say so are trusted */
    const struct filter_caller *caller; /* NULL: nobody has said yet (filters/caller/caller.h) */
    const struct consumer_directory *consumers; /* NULL: there are none */
    bool was_authenticated;         /* a filter that authenticates has let it pass */
    bool awaits_token;              /* policies wait for who it is: filters/authz.h, is_late */
    bool has_odd_names;             /* headers whose names some server takes for others */
    struct slice route;             /* its name; empty where no route was chosen yet */
    struct slice matched_prefix;    /* the path prefix that its match names; empty: none */
    uint16_t listener_port;         /* that the client connected to, as the route's parent names it;
                                       0 where no route was chosen yet */
    /* What the access log shows instead of original_path, where that has a secret. Empty: that. */
    struct slice shown_path;
    /* In a hook of a body that will answer FILTER_WAIT: what it puts here goes on to whoever comes
     * next, while the filter keeps what it leaves in the body. Else NULL. */
    struct buf *passing;
    /* The request became one of HTTP/2, whatever the client speaks; a backend that is declared as
     * HTTP/1.1 gets that all the same. */
    bool needs_http2;
    /* What came behind the response's body, once on_response_body is called with end; NULL: nothing
     * did. A filter that puts others here, or NULL, has those sent instead; metrics and the access
     * log keep to what the backend said. */
    const struct headers *response_trailers;
    /* A letter code that the access log shows of a request that nothing else went wrong with, as
     * Envoy's response flags: "DI". Constant. */
    struct slice flag;
    const struct log_rule *log; /* of the access log; NULL: as the mesh says */
};

/* ---- what hooks answer ---- */

enum filter_verdict {
    FILTER_NEXT,  /* go on */
    FILTER_WAIT,  /* call this hook again, with the same ctx, when host->wake says so */
    FILTER_REPLY, /* host->reply or host->fail was called */
    FILTER_RESET, /* break both ends off */
};

/* Who goes first. Nobody else sorts: filters of one phase run in the order of filters.def, requests
 * forward through the phases and responses backward. */
enum filter_phase {
    FILTER_PHASE_CORS,         /* preflights have no credentials; every answer needs the fields */
    FILTER_PHASE_FAULT,        /* as if the network or the server were to blame */
    FILTER_PHASE_AUTHENTICATE, /* who is it? */
    FILTER_PHASE_AUTHORIZE,    /* may they? */
    FILTER_PHASE_LIMIT,        /* how often, how much */
    FILTER_PHASE_TRANSFORM,    /* in which shape */
    FILTER_PHASE_ANSWER,       /* without a backend */
};

/* ---- configuration ---- */

#define FILTER_DETAIL_MAX 256

/* What prepare gets. Where the filter stands is not in it: one that is prepared is shared by all
 * routes that name it. */
struct filter_build {
    struct arena *arena; /* of the configuration */
    /* Values of Secrets, by which the specification's references are filled in (schema_ref.h). */
    const struct slice *secrets;
    size_t secret_count;
    char *detail; /* [FILTER_DETAIL_MAX]: why it is refused, a sentence's worth */
    /* For filter_keep (filters/keep.h). */
    struct slice id;            /* the filter's, the same while its configuration changes; may be
                                 * empty */
    struct filter_keeps *keeps; /* NULL: nothing is kept for longer than the configuration */
    void (*hold)(void *holder, struct filter_keep *keep); /* takes the reference */
    void *holder;
};

/* Writes the reason and returns ERR_INVALID. */
MUST_USE enum err filter_refuse(const struct filter_build *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- the table ---- */

struct filter {
    const char *name; /* "requestSize": its field in an HTTPFilter, and its name everywhere */
    const char *doc;  /* what it does, for the reference page */
    enum filter_phase phase;
    const struct schema *spec; /* of what users write */
    size_t conf_size, ctx_size;
    /* Control thread: what the hooks need, from a checked spec, which lives as long as the
     * configuration. conf is zeroed. What can fail fails here and never in a hook. */
    enum err (*prepare)(const struct filter_build *b, const void *spec, void *conf);
    /* NULL costs nothing. ctx: zeroed, aligned to 8 bytes, one for each exchange. */
    enum filter_verdict (*on_request)(struct filter_exchange *x, const void *conf, void *ctx);
    enum filter_verdict (*on_response)(struct filter_exchange *x, const void *conf, void *ctx);
    /* on_response is also called, with a ctx that nobody has written to, for answers of our own
     * that were given before the chain had its turn; it does not wait then. */
    bool sees_every_answer;
    /* on_response and on_response_body run before those of all other filters, whatever the phase:
     * it makes of what the backend sends what they can read. */
    bool is_next_to_backend;
    /* What has come of a body and was not handed on yet; end: nothing more comes. NEXT hands all of
     * it on; with WAIT the filter keeps it, and is called again with more of it or when woken.
     * Called at least once, with end, where there is a body; not for what follows a switch of
     * protocols. A request's body may be answered until the response has begun, then only reset; a
     * response's can only be reset. */
    enum filter_verdict (*on_request_body)(struct filter_exchange *x, const void *conf, void *ctx,
                                           struct buf *body, bool end);
    enum filter_verdict (*on_response_body)(struct filter_exchange *x, const void *conf, void *ctx,
                                            struct buf *body, bool end);
    /* Exactly once for each exchange in which on_request was called (or would have been, when it is
     * NULL), however it ended, also when the client left while a hook waited. */
    void (*on_end)(struct filter_exchange *x, const void *conf, void *ctx);
    /* Of a filter that authenticates: takes out what only it may tell the backend. on_request does
     * so itself; this is for when another one has let the caller in, and it is not asked. May be
     * NULL. */
    void (*strip)(struct filter_exchange *x, const void *conf);
    /* One line for `weftctl explain`: what it does to requests. prefix: what the route matches of
     * the path. NULL: its name is all there is to say. */
    struct slice (*describe)(struct arena *arena, const void *conf, struct slice prefix);
    bool is_pure; /* on_request decides by the request alone: explain may run it */
    const char *const *events;      /* names for host->count, NULL-terminated; may be NULL */
    const struct fail_info *fails;  /* its own failures; fail_count of them */
    size_t fail_count;
};

/* Every filter that users configure: rows of filters.def, in their order. */
extern const struct filter *const filter_all[];
extern const size_t filter_count;
/* NULL when there is none of that name. */
const struct filter *filter_find(struct slice name);

/* ---- chains ---- */

struct filter_entry {
    const struct filter *filter;
    const void *conf;
    struct slice id; /* its resource's, the same while its configuration changes; empty: none */
    uint32_t ctx_offset;
};

/* What stands for the namespace of filters that are made of RequestAuthentications, and have no
 * HTTPFilter: "RequestAuthentication/shop:api+shop:web". No namespace has capitals. */
#define FILTER_OWNER_REQUEST_AUTH "RequestAuthentication"
/* The HTTPFilter that it is from, as "shop/limits"; empty: a route's own filter. */
struct slice filter_entry_owner(const struct filter_entry *e);

/* Immutable, as long as the configuration. */
struct filter_chain {
    const struct filter_entry *entries;
    uint32_t count;
    uint32_t ctx_size; /* of all together */
    bool opens; /* some entry is_next_to_backend */
};
