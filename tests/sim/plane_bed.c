/* The list of subscribers's surroundings, and data planes that say what the test wants.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/plane_bed.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/loop_sim.h"
#include "policies/compile/discovery.h"
#include "policies/proto/discovery.pb-c.h"
#include "tests/sim/fake_clock.h"
#include "tests/unit/policies/policyd/policy_text.h"

enum { MESSAGE_MAX = 4 << 20 };

typedef Weft__Discovery__V1__Request Request;

/* ---- the bed ---- */

static const struct policy_set *set_of(void *owner)
{
    return ((struct plane_bed *)owner)->set;
}

static bool is_ready(void *owner)
{
    return ((struct plane_bed *)owner)->is_ready;
}

static void gateway_moved(void *owner)
{
    ((struct plane_bed *)owner)->gateway_moves++;
}

static void on_stream(struct grpc_call *call, struct grpc_stream *stream)
{
    struct plane_bed *b = grpc_call_owner(call);
    subscriber_list_admit(b->subscribers, stream);
}

static void serve(struct plane_bed *b)
{
    b->method = (struct grpc_method){.path = DISCOVERY_PATH, .open = on_stream};
    b->service = (struct grpc_service){
        .methods = &b->method, .method_count = 1, .owner = b, .max_request = MESSAGE_MAX};
}

void plane_bed_open(struct plane_bed *b, const char *yaml, bool needs_pod)
{
    *b = (struct plane_bed){.loop = loop_sim_create(1000), .is_ready = true};
    fake_clock_follow(b->loop);
    b->set = policy_text_set(yaml);
    b->cache = compile_cache_create(set_of, b, SLICE(PLANE_DOMAIN), SLICE(""));
    struct subscriber_list_config config = {
        b->loop,   b->cache,         set_of, is_ready, gateway_moved, b, SLICE(PLANE_DOMAIN),
        needs_pod, PLANE_STREAMS_MAX};
    b->subscribers = subscriber_list_create(&config);
    serve(b);
}

void plane_bed_lend(struct plane_bed *b, struct loop *loop, struct subscriber_list *subscribers)
{
    *b = (struct plane_bed){.loop = loop, .subscribers = subscribers};
    serve(b);
}

void plane_bed_close(struct plane_bed *b)
{
    subscriber_list_destroy(b->subscribers);
    plane_bed_turn(b);
    compile_cache_destroy(b->cache);
    policy_set_destroy(b->set);
    fake_clock_follow(NULL);
    loop_destroy(b->loop);
}

void plane_bed_turn(struct plane_bed *b)
{
    assert_true(loop_sim_turn(b->loop));
}

void plane_bed_advance(struct plane_bed *b, uint64_t ms)
{
    loop_sim_advance(b->loop, ms);
    plane_bed_turn(b);
}

void plane_bed_change(struct plane_bed *b, const char *yaml)
{
    struct invalidation all = {0};
    struct policy_set *old = b->set;
    b->set = policy_text_set(yaml);
    invalidation_note_all(&all);
    compile_cache_mark(b->cache, &all);
    invalidation_dispose(&all);
    subscriber_list_changed(b->subscribers, loop_now_ns(b->loop));
    policy_set_destroy(old);
    plane_bed_turn(b);
}

struct subscriber_list_count plane_bed_count(const struct plane_bed *b)
{
    struct subscriber_list_count n;
    subscriber_list_measure(b->subscribers, &n);
    return n;
}

/* ---- a data plane ---- */

static void add_text(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_text(char *to, size_t size, const char *format, ...)
{
    va_list args;
    size_t len = strlen(to);
    va_start(args, format);
    vsnprintf(to + len, size - len, format, args);
    va_end(args);
}

static void on_update(void *owner, struct slice bytes)
{
    struct plane *p = owner;
    Weft__Discovery__V1__Update *u =
        weft__discovery__v1__update__unpack(NULL, bytes.len, (const uint8_t *)bytes.ptr);
    assert_non_null(u);
    p->updates++;
    p->serial = u->serial;
    p->digest = u->digest;
    p->resources[0] = p->removed[0] = p->answers[0] = 0;
    for (size_t i = 0; i < u->n_resources; i++)
        add_text(p->resources, sizeof p->resources, "%s ", u->resources[i]->name);
    for (size_t i = 0; i < u->n_removed; i++)
        add_text(p->removed, sizeof p->removed, "%s ", u->removed[i]);
    for (size_t i = 0; i < u->n_answers; i++)
        add_text(p->answers, sizeof p->answers, "%s=%zu ", u->answers[i]->address,
                 u->answers[i]->n_resources);
    weft__discovery__v1__update__free_unpacked(u, NULL);
}

static void on_closed(void *owner, enum grpc_status status, struct slice text)
{
    struct plane *p = owner;
    p->stream = NULL;
    p->status = status;
    snprintf(p->why, sizeof p->why, "%.*s", SLICE_ARG(text));
}

void plane_connect(struct plane *p, struct plane_bed *b, const char *id, int64_t not_after_ms)
{
    plane_connect_from(p, b, id, not_after_ms, "10.1.0.1:40000");
}

static const struct grpc_stream_events plane_events = {.on_message = on_update,
                                                       .on_closed = on_closed};

void plane_connect_by(struct plane *p, struct plane_bed *b, struct grpc_client *client)
{
    *p = (struct plane){.bed = b};
    p->stream = grpc_client_open_stream(client, DISCOVERY_PATH, NULL, 0, &plane_events, p);
    plane_bed_turn(b);
}

void plane_connect_from(struct plane *p, struct plane_bed *b, const char *id, int64_t not_after_ms,
                        const char *address)
{
    struct fake_peer *peer = &p->peer;
    *p = (struct plane){.bed = b};
    fake_peer_init(peer, b->loop, &b->service, id, not_after_ms, address);
    p->stream = grpc_client_open_stream(peer->client, DISCOVERY_PATH, NULL, 0, &plane_events, p);
    plane_bed_turn(b);
}

void plane_disconnect(struct plane *p)
{
    if (p->stream)
        grpc_stream_close(p->stream, GRPC_CANCELLED, "the test is over");
    fake_peer_dispose(&p->peer);
}

void plane_say(struct plane *p, const void *message, size_t len)
{
    assert_non_null(p->stream);
    grpc_stream_send(p->stream, message, len);
    plane_bed_turn(p->bed);
}

static void say(struct plane *p, const Request *m)
{
    size_t len = weft__discovery__v1__request__get_packed_size(m);
    uint8_t *bytes = mem_alloc(len + 1);
    weft__discovery__v1__request__pack(m, bytes);
    plane_say(p, bytes, len);
    mem_free(bytes);
}

void plane_hello(struct plane *p, const char *pod, const char *gateway, const char *address)
{
    Request m = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Hello hello = WEFT__DISCOVERY__V1__HELLO__INIT;
    char *addresses[] = {(char *)(uintptr_t)address};
    hello.pod = (char *)(uintptr_t)pod;
    hello.gateway = (char *)(uintptr_t)gateway;
    hello.addresses = addresses;
    hello.n_addresses = address != NULL;
    m.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_HELLO;
    m.hello = &hello;
    say(p, &m);
}

void plane_ask(struct plane *p, const char *add, const char *drop)
{
    Request m = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Subscription subscription = WEFT__DISCOVERY__V1__SUBSCRIPTION__INIT;
    char text[100], *more[] = {text, NULL}, *less[] = {(char *)(uintptr_t)drop};
    snprintf(text, sizeof text, "%s", add ? add : "");
    more[1] = strchr(text, ' ');
    if (more[1])
        *more[1]++ = 0;
    subscription.subscribe = more;
    subscription.n_subscribe = (add != NULL) + (more[1] != NULL);
    subscription.unsubscribe = less;
    subscription.n_unsubscribe = drop != NULL;
    m.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_SUBSCRIPTION;
    m.subscription = &subscription;
    say(p, &m);
}

void plane_ack(struct plane *p)
{
    plane_ack_refused(p, "");
}

void plane_ack_refused(struct plane *p, const char *why)
{
    Request m = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Ack ack = WEFT__DISCOVERY__V1__ACK__INIT;
    ack.serial = p->serial;
    ack.digest = p->digest;
    ack.refused = (char *)(uintptr_t)why;
    m.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_ACK;
    m.ack = &ack;
    say(p, &m);
}

void plane_nack(struct plane *p, const char *why)
{
    Request m = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Nack nack = WEFT__DISCOVERY__V1__NACK__INIT;
    nack.serial = p->serial;
    nack.detail = (char *)(uintptr_t)why;
    m.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_NACK;
    m.nack = &nack;
    say(p, &m);
}
