/* Flows of datagrams, from the first of a client to the last.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/session/flow.h"

#include "filters/authz.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "sidecar/config/route/listener_choice.h"
#include "sidecar/config/route/route_table.h"
#include "sidecar/session/udp_port.h"
#include "sidecar/telemetry/report.h"
#include "sidecar/upstream/balancer.h"
#include "sidecar/upstream/outlier.h"
#include "sidecar/worker/worker.h"

enum { KEY_MAX = 2 + 1 + 2 + 16 + 16 };

static struct flow_table *table_of(const struct udp_port *p)
{
    return &p->worker->flows;
}

/* The port, the client, and the address of ours that it wrote to. */
static struct slice write_key(char key[KEY_MAX], const struct udp_port *p, const struct addr *peer,
                              const struct addr *local)
{
    memcpy(key, &p->number, 2);
    key[2] = (char)peer->family;
    memcpy(key + 3, &peer->port, 2);
    memcpy(key + 5, peer->ip, 16);
    memcpy(key + 21, local->ip, 16);
    return slice_of(key, KEY_MAX);
}

/* ---- life ---- */

static void destroy_buried(struct loop_task *task)
{
    mem_free(container_of(task, struct flow, grave));
}

static void end(struct flow *f, enum fail why)
{
    char key[KEY_MAX];
    struct worker *w = f->port->worker;
    if (f->is_closed)
        return;
    f->is_closed = true;
    map_remove(&w->flows.by_key, write_key(key, f->port, &f->client.peer, &f->client.local));
    list_unlink(&f->order);
    timer_stop(&f->idle);
    udp_close(f->up);
    report_flow_closed(w, f, why);
    endpoint_release(f->endpoint);
    f->cluster->active--;
    cluster_give_back_connection(f->cluster);
    loop_bury(w->loop, &f->grave);
    worker_flow_gone(w);
}

static uint32_t idle_limit_ms(const struct flow *f)
{
    const struct timeouts_conf *policy = &f->cluster->conf->timeouts;
    uint32_t limit = policy->idle_said ? policy->idle_ms : FLOW_IDLE_MS;
    bool is_short = f->port->worker->is_draining && limit > FLOW_DRAIN_IDLE_MS;
    return is_short ? FLOW_DRAIN_IDLE_MS : limit;
}

static void watch_idle(struct flow *f)
{
    uint64_t now_ms = loop_now_ms(f->port->worker->loop), due_ms = f->moved_ms + idle_limit_ms(f);
    timer_start(&f->idle, due_ms > now_ms ? due_ms - now_ms : 0);
}

static void on_idle(struct timer *timer)
{
    struct flow *f = container_of(timer, struct flow, idle);
    if (f->moved_ms + idle_limit_ms(f) > loop_now_ms(timer->loop))
        watch_idle(f);
    else
        end(f, FAIL_NONE); /* datagrams say no goodbye: that is how a flow ends */
}

/* A datagram went one way or the other. */
static void touch(struct flow *f)
{
    struct flow_table *t = table_of(f->port);
    f->moved_ms = loop_now_ms(f->port->worker->loop);
    if (t->order.prev == &f->order)
        return;
    list_unlink(&f->order);
    list_link_last(&t->order, &f->order);
}

/* ---- answers ---- */

static void on_answers(struct udp *u, struct udp_datagram *d, size_t count)
{
    struct flow *f = udp_owner(u);
    for (size_t i = 0; i < count; i++) {
        d[i].peer = f->client.peer;
        d[i].local = f->client.local;
        f->sent += d[i].len;
    }
    outlier_success(f->endpoint);
    touch(f);
    udp_port_send(f->port, d, count);
}

/* Nobody listens there. */
static void refused(struct flow *f)
{
    struct endpoint *e = f->endpoint;
    if (outlier_failure(e, OUTLIER_TCP)) {
        metrics_count_ejection(f->port->worker->metrics);
        LOG_W("outlier", "%.*s of %.*s is ejected: failures in a row",
              SLICE_ARG(e->conf->address_text), SLICE_ARG(e->cluster->conf->name));
    }
    end(f, FAIL_CONNECT_FAILED);
}

static void on_fail(struct udp *u, enum err why)
{
    if (why == ERR_REFUSED)
        refused(udp_owner(u));
}

static const struct udp_events up_events = {.on_datagrams = on_answers, .on_fail = on_fail};

/* ---- whereto ---- */

/* What a flow would be made of. */
struct plan {
    struct downstream_info client;
    struct cluster *cluster;
    struct endpoint *endpoint;
};

static const struct route_conf *route_of(const struct gateway_conf *g)
{
    return g && g->listener_count ? listener_choice_stream(g, &g->listeners[0], SLICE("")) : NULL;
}

static bool is_allowed(const struct gateway_conf *g, const struct downstream_info *client)
{
    char why[AUTHZ_REASON_MAX];
    return !g->authz || authz_decide_tcp(g->authz, client, why);
}

/* One of our own ports for datagrams: each round would begin a flow of its own. */
static bool is_loop(const struct worker *w, const struct addr *to)
{
    if (!addr_is_loopback(to) && !addr_eq_ip(to, &w->settings->pod_ip))
        return false;
    for (unsigned i = 0; i < w->listener_count; i++)
        if (w->listeners[i].udp && w->listeners[i].udp->at.port == to->port)
            return true;
    return false;
}

/* The share is the client's for as long as the weights are: one that leads nowhere gets all of its
 * datagrams, as its weight says, and not the first alone. */
static enum fail find_endpoint(const struct udp_port *p, const struct route_conf *route,
                               struct plan *to)
{
    char key[KEY_MAX];
    struct worker *w = p->worker;
    uint64_t hash = map_hash(write_key(key, p, &to->client.peer, &to->client.local));
    const struct backend_conf *backend = route_pick_backend(route, (uint32_t)(hash >> 32));
    if (!backend || !backend->cluster)
        return FAIL_NO_CLUSTER;
    to->cluster = cluster_of(&w->clusters, backend->cluster);
    to->endpoint = balancer_pick(to->cluster, &to->client.peer, 0, NULL, 0);
    if (!to->endpoint)
        return balancer_why_none(to->cluster);
    return is_loop(w, &to->endpoint->conf->addr) ? FAIL_LOOP : FAIL_NONE;
}

static enum fail plan(const struct udp_port *p, const struct udp_datagram *d, struct plan *to)
{
    const struct gateway_conf *g = udp_port_conf(p);
    const struct route_conf *route = route_of(g);
    struct addr local = d->local.family ? d->local : p->at;
    local.port = p->at.port;
    *to = (struct plan){.client = {.peer = d->peer, .local = local, .original_dst = local}};
    if (p->worker->is_draining)
        return FAIL_DRAINING;
    if (!route)
        return FAIL_NO_ROUTE;
    if (!is_allowed(g, &to->client))
        return FAIL_AUTHZ_DENIED;
    return find_endpoint(p, route, to);
}

/* ---- beginning ---- */

static void evict(struct flow_table *t)
{
    metrics_add(t->worker->metrics, METRICS_UDP_FLOWS_EVICTED, 1);
    end(container_of(t->order.next, struct flow, order), FAIL_NONE);
}

/* Where the process has no descriptor left, an old flow gives its own. */
static enum err connect_up(struct flow_table *t, struct flow *f)
{
    const struct addr *to = &f->endpoint->conf->addr;
    enum err e = udp_connect(t->worker->loop, to, &up_events, f, &f->up);
    if (e != ERR_FILES || list_is_empty(&t->order))
        return e;
    evict(t);
    return udp_connect(t->worker->loop, to, &up_events, f, &f->up);
}

static void enter(struct flow_table *t, struct flow *f)
{
    char key[KEY_MAX];
    struct worker *w = t->worker;
    map_put(&t->by_key, write_key(key, f->port, &f->client.peer, &f->client.local), f);
    list_link_last(&t->order, &f->order);
    endpoint_hold(f->endpoint);
    f->cluster->active++;
    f->opened_ns = loop_now_ns(w->loop);
    f->moved_ms = loop_now_ms(w->loop);
    watch_idle(f);
    report_flow_opened(w, f);
}

static struct flow *begin(struct udp_port *p, const struct plan *from, enum fail *why)
{
    struct flow_table *t = table_of(p);
    struct cluster *c = from->cluster;
    if (!cluster_take_connection(c, c->conf->max_connections)) {
        *why = FAIL_OVERFLOW;
        return NULL;
    }
    struct flow *f = mem_zalloc(sizeof(*f));
    f->port = p;
    f->cluster = c;
    f->endpoint = from->endpoint;
    f->client = from->client;
    list_init(&f->order);
    loop_task_init(&f->grave, destroy_buried);
    timer_init(&f->idle, p->worker->loop, on_idle);
    endpoint_hold(f->endpoint); /* whose flow ends meanwhile */
    if (flow_table_count(t) >= t->limit)
        evict(t);
    enum err e = connect_up(t, f);
    if (e == ERR_OK) {
        enter(t, f);
        endpoint_release(f->endpoint);
        return f;
    }
    endpoint_release(f->endpoint);
    cluster_give_back_connection(c);
    mem_free(f);
    *why = FAIL_CONNECT_FAILED;
    return NULL;
}

/* ---- datagrams of clients ---- */

static bool is_good(const struct endpoint *e, uint64_t now_ms)
{
    return !e->gone && e->conf->ready && outlier_is_healthy(e->conf->health, now_ms);
}

/* Its endpoint leaves or fails, and another is better. Whoever has the same port for long would
 * otherwise never hear of it. */
static bool should_move(const struct flow *f)
{
    uint64_t now_ms = loop_now_ms(f->port->worker->loop);
    struct endpoint *own = f->endpoint;
    if (is_good(own, now_ms))
        return false;
    const struct endpoint *other = balancer_pick(f->cluster, &f->client.peer, 0, &own, 1);
    return own->gone || (other && other != own && is_good(other, now_ms));
}

static struct flow *find(struct udp_port *p, const struct udp_datagram *d)
{
    char key[KEY_MAX];
    const struct addr *local = d->local.family ? &d->local : &p->at;
    return map_get(&table_of(p)->by_key, write_key(key, p, &d->peer, local));
}

static void pass(struct flow *f, const struct udp_datagram *d, size_t count)
{
    enum err why;
    size_t sent = udp_send(f->up, d, count, &why);
    for (size_t i = 0; i < count; i++)
        f->received += d[i].len;
    touch(f);
    if (sent < count)
        udp_port_drop(f->port, why == ERR_AGAIN ? SLICE("buffer_full") : SLICE("unsendable"),
                      count - sent);
    if (why == ERR_REFUSED)
        refused(f);
}

void flow_take(struct udp_port *p, const struct udp_datagram *d, size_t count)
{
    struct flow *f = find(p, d);
    struct plan to;
    enum fail why = FAIL_NONE;
    if (f && should_move(f)) {
        end(f, FAIL_NONE);
        f = NULL;
    }
    if (!f) {
        why = plan(p, d, &to);
        f = why == FAIL_NONE ? begin(p, &to, &why) : NULL;
    }
    if (f)
        pass(f, d, count);
    else
        udp_port_drop(p, fail_info(why)->label, count);
}

/* ---- all of a port ---- */

static void each(struct udp_port *p, void (*visit)(struct flow *f))
{
    LIST_FOREACH_SAFE(node, next, &table_of(p)->order)
    {
        struct flow *f = container_of(node, struct flow, order);
        if (f->port == p)
            visit(f);
    }
}

static void end_with_port(struct flow *f)
{
    end(f, f->port->worker->is_draining ? FAIL_DRAINING : FAIL_NO_ROUTE);
}

static bool leads_to(const struct route_conf *route, const struct cluster *c)
{
    for (uint16_t i = 0; i < route->backend_count; i++) {
        const struct backend_conf *b = &route->backends[i];
        if (b->weight && b->cluster && cluster_of(&c->worker->clusters, b->cluster) == c)
            return true;
    }
    return false;
}

static void judge(struct flow *f)
{
    const struct gateway_conf *g = udp_port_conf(f->port);
    const struct route_conf *route = route_of(g);
    if (!route || !leads_to(route, f->cluster))
        end(f, FAIL_NO_ROUTE);
    else if (!is_allowed(g, &f->client))
        end(f, FAIL_AUTHZ_DENIED);
    else if (f->endpoint->gone)
        end(f, FAIL_NO_ENDPOINT);
    else
        watch_idle(f);
}

void flow_end_all(struct udp_port *p)
{
    each(p, end_with_port);
}

void flow_judge_all(struct udp_port *p)
{
    each(p, judge);
}

void flow_drain_all(struct udp_port *p)
{
    each(p, watch_idle);
}

/* ---- the table ---- */

void flow_table_init(struct flow_table *t, struct worker *w)
{
    *t = (struct flow_table){.worker = w};
    t->limit = FLOW_MAX / (w->settings->workers ? w->settings->workers : 1);
    map_init(&t->by_key);
    list_init(&t->order);
}

void flow_table_dispose(struct flow_table *t)
{
    map_dispose(&t->by_key);
}
