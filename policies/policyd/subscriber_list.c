/* The list of subscribers, the rounds that look at all of them without keeping the loop for long,
 * and what is told about them. Owned by the loop's thread. Must not know what is in an update.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/subscriber_list.h"

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "policies/policyd/subscriber.h"

enum { TICK_MS = 2000, SLICE_NS = 20000000 };

/* ---- rounds ---- */

static void run_sweep(struct timer *t)
{
    struct subscriber_list *r = container_of(t, struct subscriber_list, sweep);
    uint64_t start = clock_mono_ns();
    while (r->cursor && r->cursor != &r->subscribers) {
        struct subscriber *s = container_of(r->cursor, struct subscriber, node);
        r->cursor = r->cursor->next;
        subscriber_look(s);
        if (clock_mono_ns() - start > SLICE_NS) {
            timer_start(&r->sweep, 0);
            return;
        }
    }
    r->cursor = NULL;
}

void subscriber_list_changed(struct subscriber_list *r, uint64_t changed_ns)
{
    r->changed_ns = changed_ns;
    r->cursor = r->subscribers.next;
    timer_stop(&r->sweep);
    run_sweep(&r->sweep);
}

static void run_tick(struct timer *t)
{
    struct subscriber_list *r = container_of(t, struct subscriber_list, tick);
    uint64_t now_ms = loop_now_ms(r->config.loop);
    int64_t wall_ms = clock_wall_ms();
    LIST_FOREACH_SAFE(node, next, &r->subscribers)
    {
        subscriber_tick(container_of(node, struct subscriber, node), now_ms, wall_ms);
    }
    timer_start(&r->tick, TICK_MS);
}

/* ---- life ---- */

struct subscriber_list *subscriber_list_create(const struct subscriber_list_config *config)
{
    struct subscriber_list *r = mem_zalloc(sizeof *r);
    r->config = *config;
    list_init(&r->subscribers);
    peer_streams_init(&r->peers, config->streams_per_peer);
    timer_init(&r->sweep, config->loop, run_sweep);
    timer_init(&r->tick, config->loop, run_tick);
    timer_start(&r->tick, TICK_MS);
    return r;
}

static void no_word(void *owner)
{
    (void)owner;
}

void subscriber_list_dismiss(struct subscriber_list *r)
{
    timer_stop(&r->sweep);
    timer_stop(&r->tick);
    r->is_closed = true;
    r->config.gateway_moved = no_word;
    while (!list_is_empty(&r->subscribers))
        subscriber_close(container_of(r->subscribers.next, struct subscriber, node),
                         GRPC_UNAVAILABLE, "policyd is stopping");
}

void subscriber_list_destroy(struct subscriber_list *r)
{
    subscriber_list_dismiss(r);
    peer_streams_dispose(&r->peers);
    mem_free(r);
}

void subscriber_list_admit(struct subscriber_list *r, struct grpc_stream *stream)
{
    struct subscriber *s = NULL;
    if (r->is_closed)
        grpc_stream_close(stream, GRPC_UNAVAILABLE, "policyd is stopping");
    else
        s = subscriber_create(r, stream);
    if (s)
        list_link_last(&r->subscribers, &s->node);
}

/* ---- questions ---- */

static bool is_current(const struct subscriber *s)
{
    return s->state == SUBSCRIBER_LIVE && !s->is_pending && !s->is_first && !s->has_refused &&
           s->seen == compile_cache_round(s->subscribers->config.cache);
}

static bool is_gateway(const struct subscriber *s)
{
    return s->gateway && *s->gateway;
}

bool subscriber_list_is_busy(const struct subscriber_list *r)
{
    LIST_FOREACH(node, (struct list *)&r->subscribers)
    {
        const struct subscriber *s = container_of(node, struct subscriber, node);
        if (!is_gateway(s))
            break; /* gateways come first */
        if (s->is_pending)
            return true;
    }
    return r->cursor != NULL;
}

/* Its own word, or ours before anything was sent; NULL: nothing is refused. */
static const char *refusal_of(const struct subscriber *s)
{
    if (s->has_refused || s->has_refused_part)
        return s->refusal;
    return s->base.general ? compile_cache_refusal(answer_of(&s->base)) : NULL;
}

static enum subscriber_gateway gateway_state(const struct subscriber *s)
{
    if (is_current(s))
        return refusal_of(s) ? SUBSCRIBER_GATEWAY_REFUSING : SUBSCRIBER_GATEWAY_CURRENT;
    return s->has_refused ? SUBSCRIBER_GATEWAY_REFUSING : SUBSCRIBER_GATEWAY_BEHIND;
}

enum subscriber_gateway subscriber_list_find_gateway(const struct subscriber_list *r,
                                                     struct slice namespace_name, struct slice name,
                                                     struct slice *refusal)
{
    enum subscriber_gateway best = SUBSCRIBER_GATEWAY_ABSENT;
    *refusal = SLICE("");
    LIST_FOREACH(node, (struct list *)&r->subscribers)
    {
        const struct subscriber *s = container_of(node, struct subscriber, node);
        if (!is_gateway(s))
            break;
        if (!slice_eq_cstr(name, s->gateway) || !slice_eq_cstr(namespace_name, s->namespace_name))
            continue;
        enum subscriber_gateway state = gateway_state(s);
        if (state == SUBSCRIBER_GATEWAY_REFUSING)
            *refusal = slice_from_cstr(refusal_of(s));
        best = state > best ? state : best;
    }
    return best;
}

const struct compile_cache *subscriber_list_cache(const struct subscriber_list *r)
{
    return r->config.cache;
}

void subscriber_list_measure(const struct subscriber_list *r, struct subscriber_list_count *out)
{
    *out = r->count;
    LIST_FOREACH(node, (struct list *)&r->subscribers)
    {
        const struct subscriber *s = container_of(node, struct subscriber, node);
        out->subscribers++;
        out->waiting += s->state != SUBSCRIBER_LIVE;
        out->behind += s->state == SUBSCRIBER_LIVE && !is_current(s);
        out->gateways += s->gateway && *s->gateway;
        out->addresses += s->subscriptions.count;
    }
}

const struct histogram *subscriber_list_propagation(const struct subscriber_list *r)
{
    return &r->propagation;
}

static const char *state_of(const struct subscriber *s)
{
    if (s->state == SUBSCRIBER_NEW)
        return "new";
    if (s->state == SUBSCRIBER_WAITING)
        return "waiting";
    return s->has_refused ? "refused" : is_current(s) ? "current" : "behind";
}

static void write_one(const struct subscriber *s, struct json_write *to)
{
    uint64_t now_ms = loop_now_ms(s->subscribers->config.loop);
    json_write_object(to);
    json_write_field(to, "namespace", slice_from_cstr(s->namespace_name));
    json_write_field(to, "serviceAccount", slice_from_cstr(s->service_account));
    json_write_field(to, "pod", slice_from_cstr(s->pod));
    json_write_field(to, "gateway", slice_from_cstr(s->gateway));
    json_write_field(to, "version", slice_from_cstr(s->version));
    json_write_field(to, "state", slice_from_cstr(state_of(s)));
    json_write_field_u64(to, "serial", s->serial);
    json_write_field_u64(to, "resources", s->have.count);
    json_write_field_u64(to, "addresses", s->subscriptions.count);
    json_write_field_u64(to, "behindMs", is_current(s) ? 0 : now_ms - s->since_ms);
    json_write_object_end(to);
}

void subscriber_list_write(const struct subscriber_list *r, struct json_write *to)
{
    json_write_array(to);
    LIST_FOREACH(node, (struct list *)&r->subscribers)
    {
        write_one(container_of(node, struct subscriber, node), to);
    }
    json_write_array_end(to);
}
