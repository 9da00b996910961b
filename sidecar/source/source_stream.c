/* The discovery stream's life: it waits for an identity, dials, says hello with what there is,
 * tells what the app calls, and comes back after growing pauses. Control thread. Must not know who
 * the snapshots are for. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/source/source_stream.h"

#include <stdio.h>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/tls/tls_ctx.h"
#include "policies/compile/discovery.h"
#include "sidecar/source/source_stream_priv.h"

#define RETRY_BASE_MS 100
#define RETRY_MAX_MS 10000
#define FIRST_UPDATE_MS 20000
#define PING_INTERVAL_MS 15000
#define SPREAD_MS 2000 /* over which streams move to a new certificate */

/* ---- what we say */

void source_stream_send(struct source_stream *s, const Weft__Discovery__V1__Request *request)
{
    size_t len = weft__discovery__v1__request__get_packed_size(request);
    uint8_t *packed = mem_alloc(len + 1);
    weft__discovery__v1__request__pack(request, packed);
    grpc_stream_send(s->stream, packed, len);
    mem_free(packed);
}

static char *text_of(const char *text)
{
    static char empty[] = "";
    return text ? (char *)(uintptr_t)text : empty;
}

static void say_hello(struct source_stream *s)
{
    const struct settings *settings = s->config.settings;
    Weft__Discovery__V1__Request request = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Hello hello = WEFT__DISCOVERY__V1__HELLO__INIT;
    Weft__Discovery__V1__Known **known = resource_set_known(&s->set);
    char **addresses = mem_alloc((subscriptions_count(&s->wanted) + 1) * sizeof(char *));
    char ip[ADDR_TEXT_MAX] = "";
    Weft__Discovery__V1__Known *items = known[0];
    if (settings->pod_ip.family)
        addr_format_ip(&settings->pod_ip, ip);
    hello.pod = text_of(settings->workload);
    hello.pod_ip = ip;
    hello.gateway = text_of(settings->mode == MODE_INGRESS ? settings->gateway : NULL);
    hello.version = text_of(WEFT_VERSION);
    hello.known = known;
    hello.n_known = s->from_nothing ? 0 : resource_set_count(&s->set);
    hello.addresses = addresses;
    hello.n_addresses = subscriptions_tell_all(&s->wanted, addresses);
    request.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_HELLO;
    request.hello = &hello;
    source_stream_send(s, &request);
    mem_free(items);
    mem_free(known);
    mem_free(addresses);
}

static void tell(struct loop_task *task)
{
    struct source_stream *s = container_of(task, struct source_stream, tell);
    Weft__Discovery__V1__Request request = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Subscription subscription = WEFT__DISCOVERY__V1__SUBSCRIPTION__INIT;
    if (!s->stream) {
        subscriptions_forget_unused(&s->wanted);
        return;
    }
    size_t room = subscriptions_changed(&s->wanted) + 1;
    subscription.subscribe = mem_alloc(room * sizeof(char *));
    subscription.unsubscribe = mem_alloc(room * sizeof(char *));
    subscriptions_tell(&s->wanted, subscription.subscribe, &subscription.n_subscribe,
                       subscription.unsubscribe, &subscription.n_unsubscribe);
    request.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_SUBSCRIPTION;
    request.subscription = &subscription;
    if (subscription.n_subscribe + subscription.n_unsubscribe)
        source_stream_send(s, &request);
    for (size_t i = 0; i < subscription.n_unsubscribe; i++)
        mem_free(subscription.unsubscribe[i]);
    mem_free(subscription.subscribe);
    mem_free(subscription.unsubscribe);
}

/* ---- coming and going */

static void set_connected(struct source_stream *s, bool is_connected)
{
    if (s->is_connected == is_connected)
        return;
    s->is_connected = is_connected;
    s->config.on_answers(s->config.owner, NULL, 0, is_connected);
}

static void retry_later(struct source_stream *s, const char *why)
{
    uint64_t delay = backoff_delay(s->failures++, RETRY_BASE_MS, RETRY_MAX_MS, &s->rand);
    snprintf(s->problem, sizeof(s->problem), "%s", why);
    set_connected(s, false);
    LOG_W("discovery", "%s: %s; %s; next try in %lu ms", s->config.settings->discovery, why,
          s->has_published ? "what is in force stays" : "nothing is in force yet",
          (unsigned long)delay);
    timer_start(&s->timer, delay);
}

void source_stream_restart(struct source_stream *s, const char *why)
{
    if (s->stream)
        grpc_stream_close(s->stream, GRPC_CANCELLED, "%s", why);
    s->stream = NULL;
    retry_later(s, why);
}

/* Only what it says shows that it takes us for who we say we are. */
static void note_connected(struct source_stream *s)
{
    timer_stop(&s->timer);
    if (s->is_connected)
        return;
    LOG_I("discovery", "connected to %s", s->config.settings->discovery);
    s->problem[0] = 0;
    set_connected(s, true);
}

static void on_message(void *owner, struct slice message)
{
    struct source_stream *s = owner;
    note_connected(s);
    source_stream_update(s, message);
}

static void on_closed(void *owner, enum grpc_status status, struct slice text)
{
    struct source_stream *s = owner;
    char why[SOURCE_STREAM_TEXT_MAX];
    snprintf(why, sizeof(why), "%s: %.*s", grpc_status_name(status), SLICE_ARG(text));
    s->stream = NULL;
    retry_later(s, why);
}

static const struct grpc_stream_events events = {
    .on_message = on_message,
    .on_closed = on_closed,
};

static void make_client(struct source_stream *s)
{
    const struct settings *settings = s->config.settings;
    char *id = mem_printf("spiffe://%s/ns/%s/sa/weft-policyd", settings->trust_domain,
                          settings->control_namespace);
    struct grpc_client_config config = {
        .tls = s->tls,
        .host = slice_from_cstr(settings->discovery_host),
        .port = settings->discovery_port,
        .fallback = settings->discovery_ip,
        .authority = slice_from_cstr(settings->discovery),
        .expect_spiffe_id = slice_from_cstr(id),
        .max_response = DISCOVERY_MESSAGE_MAX,
        .ping_interval_ms = PING_INTERVAL_MS,
        .dial = s->config.dial,
        .dial_owner = s->config.dial_owner,
    };
    s->client = grpc_client_create(s->loop, &config);
    mem_free(id);
}

static void connect_now(struct source_stream *s)
{
    if (!s->client)
        make_client(s);
    s->serial = 0;
    s->stream = grpc_client_open_stream(s->client, DISCOVERY_PATH, NULL, 0, &events, s);
    say_hello(s);
    timer_start(&s->timer, FIRST_UPDATE_MS);
}

static void on_timer(struct timer *t)
{
    struct source_stream *s = container_of(t, struct source_stream, timer);
    if (s->stream)
        source_stream_restart(s, "no configuration came");
    else
        connect_now(s);
}

static void on_keep(struct timer *t)
{
    source_stream_write_last_good(container_of(t, struct source_stream, keep));
}

/* ---- what owners ask */

void source_stream_identify(struct source_stream *s, struct tls_ctx *tls)
{
    bool is_first = !s->tls;
    tls_ctx_ref(tls);
    tls_ctx_unref(s->tls);
    s->tls = tls;
    if (s->stream)
        grpc_stream_close(s->stream, GRPC_CANCELLED, "a new certificate");
    s->stream = NULL;
    grpc_client_destroy(s->client);
    s->client = NULL;
    timer_start(&s->timer, is_first ? 0 : rand_below(&s->rand, SPREAD_MS));
}

bool source_stream_want(struct source_stream *s, const struct addr *addr)
{
    loop_run_soon(s->loop, &s->tell);
    return subscriptions_add(&s->wanted, addr);
}

void source_stream_drop(struct source_stream *s, const struct addr *addr)
{
    loop_run_soon(s->loop, &s->tell);
    subscriptions_drop(&s->wanted, addr);
}

bool source_stream_is_connected(const struct source_stream *s)
{
    return s->is_connected;
}

unsigned source_stream_purge(struct source_stream *s, const struct filter_purge *what)
{
    return snapshot_builder_purge(s->builder, what);
}

void source_stream_read(const struct source_stream *s, struct source_stream_status *out)
{
    *out = (struct source_stream_status){
        .is_connected = s->is_connected,
        .is_complete = s->has_published,
        .serial = s->serial,
        .updates = s->updates,
        .rejected = s->rejected,
        .resyncs = s->resyncs,
        .resources = resource_set_count(&s->set),
        .addresses = subscriptions_count(&s->wanted),
        .problem = s->problem,
    };
}

struct source_stream *source_stream_open(struct loop *l, const struct source_stream_config *config)
{
    uint64_t seed;
    struct source_stream *s = mem_zalloc(sizeof(*s));
    s->loop = l;
    s->config = *config;
    s->builder = snapshot_builder_create();
    resource_set_init(&s->set);
    subscriptions_init(&s->wanted);
    rand_secure(&seed, sizeof(seed));
    rand_seed(&s->rand, seed);
    timer_init(&s->timer, l, on_timer);
    timer_init(&s->keep, l, on_keep);
    loop_task_init(&s->tell, tell);
    source_stream_load_last_good(s);
    return s;
}

void source_stream_close(struct source_stream *s)
{
    if (timer_is_running(&s->keep))
        source_stream_write_last_good(s);
    if (s->stream)
        grpc_stream_close(s->stream, GRPC_CANCELLED, "this data plane stops");
    grpc_client_destroy(s->client);
    timer_stop(&s->timer);
    timer_stop(&s->keep);
    loop_task_cancel(&s->tell);
    tls_ctx_unref(s->tls);
    subscriptions_dispose(&s->wanted);
    resource_set_dispose(&s->set);
    snapshot_builder_destroy(s->builder);
    mem_free(s);
}
