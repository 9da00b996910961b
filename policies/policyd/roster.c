/* The list of subscribers, the rounds that look at all of them without keeping the loop for long,
 * and what is told about them. Owned by the loop's thread. Must not know what is in an update.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/roster.h"

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "policies/policyd/subscriber.h"

enum { TICK_MS = 2000, SLICE_NS = 20000000 };

/* ---- rounds ---- */

static void run_sweep(struct timer *t)
{
    struct roster *r = container_of(t, struct roster, sweep);
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

void roster_changed(struct roster *r, uint64_t changed_ns)
{
    r->changed_ns = changed_ns;
    r->cursor = r->subscribers.next;
    timer_stop(&r->sweep);
    run_sweep(&r->sweep);
}

static void run_tick(struct timer *t)
{
    struct roster *r = container_of(t, struct roster, tick);
    uint64_t now_ms = loop_now_ms(r->config.loop);
    int64_t wall_ms = clock_wall_ms();
    LIST_FOREACH_SAFE(node, next, &r->subscribers)
    {
        subscriber_tick(container_of(node, struct subscriber, node), now_ms, wall_ms);
    }
    timer_start(&r->tick, TICK_MS);
}

/* ---- life ---- */

struct roster *roster_create(const struct roster_config *config)
{
    struct roster *r = mem_zalloc(sizeof *r);
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

void roster_dismiss(struct roster *r)
{
    timer_stop(&r->sweep);
    timer_stop(&r->tick);
    r->is_closed = true;
    r->config.gateway_moved = no_word;
    while (!list_is_empty(&r->subscribers))
        subscriber_close(container_of(r->subscribers.next, struct subscriber, node),
                         GRPC_UNAVAILABLE, "policyd is stopping");
}

void roster_destroy(struct roster *r)
{
    roster_dismiss(r);
    peer_streams_dispose(&r->peers);
    mem_free(r);
}

void roster_admit(struct roster *r, struct grpc_stream *stream)
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
           s->seen == answers_round(s->roster->config.answers);
}

static bool is_gateway(const struct subscriber *s)
{
    return s->gateway && *s->gateway;
}

bool roster_is_busy(const struct roster *r)
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
    return s->base.general ? answers_refusal(answer_of(&s->base)) : NULL;
}

static enum roster_gateway gateway_state(const struct subscriber *s)
{
    if (is_current(s))
        return refusal_of(s) ? ROSTER_GATEWAY_REFUSING : ROSTER_GATEWAY_CURRENT;
    return s->has_refused ? ROSTER_GATEWAY_REFUSING : ROSTER_GATEWAY_BEHIND;
}

enum roster_gateway roster_find_gateway(const struct roster *r, struct slice namespace_name,
                                        struct slice name, struct slice *refusal)
{
    enum roster_gateway best = ROSTER_GATEWAY_ABSENT;
    *refusal = SLICE("");
    LIST_FOREACH(node, (struct list *)&r->subscribers)
    {
        const struct subscriber *s = container_of(node, struct subscriber, node);
        if (!is_gateway(s))
            break;
        if (!slice_eq_cstr(name, s->gateway) || !slice_eq_cstr(namespace_name, s->namespace_name))
            continue;
        enum roster_gateway state = gateway_state(s);
        if (state == ROSTER_GATEWAY_REFUSING)
            *refusal = slice_from_cstr(refusal_of(s));
        best = state > best ? state : best;
    }
    return best;
}

void roster_measure(const struct roster *r, struct roster_count *out)
{
    *out = r->count;
    LIST_FOREACH(node, (struct list *)&r->subscribers)
    {
        const struct subscriber *s = container_of(node, struct subscriber, node);
        out->subscribers++;
        out->waiting += s->state != SUBSCRIBER_LIVE;
        out->behind += s->state == SUBSCRIBER_LIVE && !is_current(s);
        out->gateways += s->gateway && *s->gateway;
        out->addresses += s->interests.count;
    }
}

const struct histogram *roster_propagation(const struct roster *r)
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
    uint64_t now_ms = loop_now_ms(s->roster->config.loop);
    json_write_object(to);
    json_write_field(to, "namespace", slice_from_cstr(s->namespace_name));
    json_write_field(to, "serviceAccount", slice_from_cstr(s->service_account));
    json_write_field(to, "pod", slice_from_cstr(s->pod));
    json_write_field(to, "gateway", slice_from_cstr(s->gateway));
    json_write_field(to, "version", slice_from_cstr(s->version));
    json_write_field(to, "state", slice_from_cstr(state_of(s)));
    json_write_field_u64(to, "serial", s->serial);
    json_write_field_u64(to, "resources", s->have.count);
    json_write_field_u64(to, "addresses", s->interests.count);
    json_write_field_u64(to, "behindMs", is_current(s) ? 0 : now_ms - s->since_ms);
    json_write_object_end(to);
}

void roster_write(const struct roster *r, struct json_write *to)
{
    json_write_array(to);
    LIST_FOREACH(node, (struct list *)&r->subscribers)
    {
        write_one(container_of(node, struct subscriber, node), to);
    }
    json_write_array_end(to);
}
