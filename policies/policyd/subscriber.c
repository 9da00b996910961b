/* What a data plane says, and what follows from it: hello, subscriptions, acknowledgements. Owned
 * by the loop's thread. Must not know how an update is made.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/subscriber.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/tls/spiffe.h"
#include "lib/schema/schema_format.h"

enum {
    ADDRESSES_MAX = 16384,
    KNOWN_MAX = 65536,
    NAME_MAX_LEN = 1024,
    VERSION_MAX = 64,
};

typedef Weft__Discovery__V1__Request Request;

/* ---- life ---- */

static void free_interest(struct subscribed_address *i)
{
    compile_cache_drop_at(&i->answer);
    mem_free(i);
}

static void drop_interests(struct subscriber *s)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&s->subscriptions, &at, &key, &value);)
        free_interest(value);
    map_dispose(&s->subscriptions);
    map_init(&s->subscriptions);
}

/* Everything that came with a hello. */
static void forget_hello(struct subscriber *s)
{
    drop_interests(s);
    compile_cache_drop_at(&s->base);
    version_set_dispose(&s->have);
    version_set_dispose(&s->pending);
    mem_free(s->pod);
    mem_free(s->pod_ip);
    mem_free(s->gateway);
    mem_free(s->version);
    mem_free(s->refusal);
    s->refusal = s->pod = s->pod_ip = s->gateway = s->version = NULL;
    s->is_pending = s->has_refused = s->has_refused_part = false;
}

static void free_subscriber(struct loop_task *task)
{
    struct subscriber *s = container_of(task, struct subscriber, grave);
    forget_hello(s);
    map_dispose(&s->subscriptions);
    mem_free(s->namespace_name);
    mem_free(s->service_account);
    mem_free(s->peer);
    mem_free(s);
}

static void step_out(struct subscriber *s)
{
    if (s->subscribers->cursor == &s->node)
        s->subscribers->cursor = s->node.next;
    list_unlink(&s->node);
}

static void leave(struct subscriber *s)
{
    struct subscriber_list *r = s->subscribers;
    bool was_gateway = s->gateway && *s->gateway;
    step_out(s);
    peer_streams_give(&r->peers, slice_from_cstr(s->peer));
    s->state = SUBSCRIBER_NEW;
    s->stream = NULL;
    loop_bury(r->config.loop, &s->grave);
    if (was_gateway)
        r->config.gateway_moved(r->config.owner);
}

void subscriber_close(struct subscriber *s, enum grpc_status status, const char *why)
{
    LOG_I("roster", "%s/%s: %s", s->namespace_name, s->pod ? s->pod : "?", why);
    grpc_stream_close(s->stream, status, "%s", why);
    leave(s);
}

void subscriber_refuse(struct subscriber *s, enum grpc_status status, const char *why)
{
    s->subscribers->count.refused++;
    subscriber_close(s, status, why);
}

/* ---- hello ---- */

static bool is_name(const char *text)
{
    return !*text || schema_format_name.is_valid(slice_from_cstr(text));
}

static bool is_ip(const char *text)
{
    struct addr addr;
    return !*text || (!addr_parse(slice_from_cstr(text), &addr) && !addr.port);
}

static const char *judge_hello(const Weft__Discovery__V1__Hello *h)
{
    if (!is_name(h->pod) || !is_name(h->gateway))
        return "hello names a pod or a gateway that can have no such name";
    if (!is_ip(h->pod_ip))
        return "hello names a pod IP that is no address";
    if (strlen(h->version) > VERSION_MAX)
        return "hello says a version that is too long";
    if (h->n_known > KNOWN_MAX)
        return "hello knows too many resources";
    for (size_t i = 0; i < h->n_known; i++)
        if (strlen(h->known[i]->name) > NAME_MAX_LEN)
            return "hello knows a resource whose name is too long";
    return NULL;
}

static struct answer *hold_base(struct subscriber *s)
{
    struct compile_cache *a = s->subscribers->config.cache;
    struct slice ns = slice_from_cstr(s->namespace_name);
    if (*s->gateway)
        return compile_cache_hold_gateway(a, ns, slice_from_cstr(s->gateway));
    return compile_cache_hold_workload(a, ns, slice_from_cstr(s->service_account),
                                       slice_from_cstr(s->pod), slice_from_cstr(s->pod_ip));
}

static void take_known(struct subscriber *s, const Weft__Discovery__V1__Hello *h)
{
    struct packed_resource_table *names = compile_cache_packed(s->subscribers->config.cache);
    for (size_t i = 0; i < h->n_known; i++)
        version_set_add(&s->have,
                        packed_resource_name_make(names, slice_from_cstr(h->known[i]->name)),
                        h->known[i]->version);
    version_set_settle(&s->have);
}

/* One writing for each address, so that answers are shared. False: none of an endpoint. */
static bool canonical(const char *address, char text[ADDR_TEXT_MAX])
{
    struct addr addr;
    if (addr_parse(slice_from_cstr(address), &addr) || !addr.port)
        return false;
    addr_format(&addr, text);
    return strcmp(text, address) == 0;
}

/* False: closed. */
static bool add_subscriptions(struct subscriber *s, char *const *addresses, size_t count)
{
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < count; i++) {
        if (!canonical(addresses[i], text)) {
            subscriber_refuse(s, GRPC_INVALID_ARGUMENT,
                              "it asks for what is no address with a port");
            return false;
        }
        if (map_get(&s->subscriptions, slice_from_cstr(text)))
            continue;
        if (s->subscriptions.count == ADDRESSES_MAX) {
            subscriber_refuse(s, GRPC_RESOURCE_EXHAUSTED, "it asks for too many addresses");
            return false;
        }
        struct subscribed_address *one = mem_zalloc(sizeof *one);
        one->answer.general =
            compile_cache_hold_address(s->subscribers->config.cache,
                                       slice_from_cstr(s->namespace_name), slice_from_cstr(text));
        map_put(&s->subscriptions, slice_from_cstr(text), one);
        s->is_dirty = true;
    }
    return true;
}

static void on_hello(struct subscriber *s, const Weft__Discovery__V1__Hello *h)
{
    const char *wrong = judge_hello(h);
    if (wrong) {
        subscriber_refuse(s, GRPC_INVALID_ARGUMENT, wrong);
        return;
    }
    forget_hello(s);
    s->pod = mem_strdup(h->pod);
    s->pod_ip = mem_strdup(h->pod_ip);
    s->gateway = mem_strdup(h->gateway);
    s->version = mem_strdup(h->version);
    s->base.general = hold_base(s);
    take_known(s, h);
    s->state = SUBSCRIBER_WAITING;
    s->since_ms = loop_now_ms(s->subscribers->config.loop);
    s->is_dirty = s->is_first = true;
    if (!add_subscriptions(s, h->addresses, h->n_addresses))
        return;
    /* Gateways are few, and everybody's traffic waits for them. */
    step_out(s);
    if (*s->gateway)
        list_link_first(&s->subscribers->subscribers, &s->node);
    else
        list_link_last(&s->subscribers->subscribers, &s->node);
    subscriber_look(s);
}

/* ---- the other messages ---- */

static void on_subscription(struct subscriber *s, const Weft__Discovery__V1__Subscription *m)
{
    for (size_t i = 0; i < m->n_unsubscribe; i++) {
        struct subscribed_address *one =
            map_remove(&s->subscriptions, slice_from_cstr(m->unsubscribe[i]));
        if (!one)
            continue;
        free_interest(one);
        s->is_dirty = true;
    }
    if (add_subscriptions(s, m->subscribe, m->n_subscribe))
        subscriber_look(s);
}

static void note_propagation(struct subscriber *s)
{
    struct subscriber_list *r = s->subscribers;
    uint64_t now = loop_now_ns(r->config.loop);
    if (s->cause_ns && now >= s->cause_ns)
        metric_observe_us(&r->propagation, (now - s->cause_ns) / 1000);
    s->cause_ns = 0;
}

/* A part of what it has, which is not in force. An update that changes nothing has no answer, so it
 * counts until the next one. */
static void note_refused(struct subscriber *s, const char *why)
{
    mem_free(s->refusal);
    s->refusal = *why ? mem_printf("%.200s", why) : NULL;
    s->has_refused_part = s->refusal != NULL;
    if (s->refusal)
        LOG_W("roster", "%s/%s refuses a part of an update: %s", s->namespace_name, s->pod,
              s->refusal);
}

static void on_ack(struct subscriber *s, const Weft__Discovery__V1__Ack *m)
{
    bool agrees = m->digest == s->pending.digest;
    s->subscribers->count.acks++;
    note_propagation(s);
    subscriber_settle(s, true);
    if (!agrees) {
        /* It comes back and says what it has. */
        s->subscribers->count.desynced++;
        subscriber_close(s, GRPC_ABORTED, "what it has is not what it was sent");
        return;
    }
    bool had_refused = s->has_refused_part;
    note_refused(s, m->refused);
    if (*s->gateway || had_refused || s->has_refused_part)
        s->subscribers->config.gateway_moved(s->subscribers->config.owner);
    subscriber_look(s);
}

static void on_nack(struct subscriber *s, const Weft__Discovery__V1__Nack *m)
{
    s->subscribers->count.nacks++;
    LOG_W("roster", "%s/%s refuses an update: %.200s", s->namespace_name, s->pod, m->detail);
    s->has_refused = true;
    s->refused_digest = s->pending.digest;
    /* Some of what it asked for may need none of what it refused. */
    s->is_dirty |= s->pending.digest != s->have.digest;
    mem_free(s->refusal);
    s->refusal = mem_printf("%.200s", m->detail);
    subscriber_settle(s, false);
    if (*s->gateway)
        s->subscribers->config.gateway_moved(s->subscribers->config.owner);
    subscriber_look(s);
}

static void on_request(struct subscriber *s, const Request *m)
{
    bool is_hello = m->body_case == WEFT__DISCOVERY__V1__REQUEST__BODY_HELLO;
    bool is_ack = m->body_case == WEFT__DISCOVERY__V1__REQUEST__BODY_ACK;
    bool is_nack = m->body_case == WEFT__DISCOVERY__V1__REQUEST__BODY_NACK;
    uint64_t serial = is_ack ? m->ack->serial : is_nack ? m->nack->serial : 0;
    if (is_hello)
        on_hello(s, m->hello);
    else if (s->state == SUBSCRIBER_NEW)
        subscriber_refuse(s, GRPC_FAILED_PRECONDITION, "the first message must be a hello");
    else if (m->body_case == WEFT__DISCOVERY__V1__REQUEST__BODY_SUBSCRIPTION)
        on_subscription(s, m->subscription);
    else if (!is_ack && !is_nack)
        subscriber_refuse(s, GRPC_INVALID_ARGUMENT, "a message without anything we know in it");
    else if (s->is_pending && serial == s->serial)
        is_ack ? on_ack(s, m->ack) : on_nack(s, m->nack);
    else if (serial > s->serial)
        subscriber_refuse(s, GRPC_INVALID_ARGUMENT, "it answers an update that was never sent");
    /* An answer to what was sent before another hello is of no subscription any more. */
}

static void on_message(void *owner, struct slice bytes)
{
    struct subscriber *s = owner;
    Request *m = weft__discovery__v1__request__unpack(NULL, bytes.len, (const uint8_t *)bytes.ptr);
    if (!m) {
        subscriber_refuse(s, GRPC_INVALID_ARGUMENT, "a message that cannot be read");
        return;
    }
    on_request(s, m);
    weft__discovery__v1__request__free_unpacked(m, NULL);
}

static void on_closed(void *owner, enum grpc_status status, struct slice text)
{
    struct subscriber *s = owner;
    LOG_D("roster", "%s/%s has left: %s: %.*s", s->namespace_name, s->pod ? s->pod : "?",
          grpc_status_name(status), SLICE_ARG(text));
    leave(s);
}

static const struct grpc_stream_events stream_events = {
    .on_message = on_message,
    .on_closed = on_closed,
};

/* Who it is and from where; NULL: its peer has as many streams as it may, and this one is over. */
static char *admit_peer(struct subscriber_list *r, struct grpc_stream *stream,
                        const struct spiffe_id *id, const struct addr *from)
{
    char ip[ADDR_TEXT_MAX];
    bool is_news;
    addr_format_ip(from, ip);
    char *peer = mem_printf("%.*s/%.*s at %s", SLICE_ARG(id->ns), SLICE_ARG(id->sa), ip);
    if (peer_streams_take(&r->peers, slice_from_cstr(peer), &is_news))
        return peer;
    r->count.crowded++;
    if (is_news)
        LOG_W("roster", "%s has %zu streams and is refused more; see --streams-per-peer", peer,
              r->peers.max);
    grpc_stream_close(stream, GRPC_RESOURCE_EXHAUSTED,
                      "this identity has %zu streams from this address and may have no more",
                      r->peers.max);
    mem_free(peer);
    return NULL;
}

struct subscriber *subscriber_create(struct subscriber_list *r, struct grpc_stream *stream)
{
    struct stream_info info;
    struct spiffe_id id;
    grpc_stream_peer(stream, &info);
    if (!info.tls_peer || spiffe_parse(info.tls_peer->spiffe_id, &id) || !id.ns.len || !id.sa.len ||
        !slice_eq(id.trust_domain, r->config.trust_domain)) {
        r->count.refused++;
        grpc_stream_close(stream, GRPC_UNAUTHENTICATED,
                          "configuration is for workloads with a certificate of this mesh");
        return NULL;
    }
    char *peer = admit_peer(r, stream, &id, &info.peer);
    if (!peer)
        return NULL;
    struct subscriber *s = mem_zalloc(sizeof *s);
    s->subscribers = r;
    s->peer = peer;
    s->stream = stream;
    s->namespace_name = mem_strndup(id.ns.ptr, id.ns.len);
    s->service_account = mem_strndup(id.sa.ptr, id.sa.len);
    s->not_after_ms = info.tls_peer->not_after_ms;
    s->since_ms = loop_now_ms(r->config.loop);
    map_init(&s->subscriptions);
    list_init(&s->node);
    loop_task_init(&s->grave, free_subscriber);
    grpc_stream_use(stream, &stream_events, s);
    return s;
}
