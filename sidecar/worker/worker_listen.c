/* The listening sockets of one worker: the two of a sidecar, or one for each port of a gateway,
 * which come and go with the configuration. Worker thread; knows nothing of what is accepted.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/worker/worker_listen.h"

#include "lib/base/log.h"
#include "sidecar/session/flow.h"
#include "sidecar/session/side.h"
#include "sidecar/session/udp_port.h"

#define REBIND_MS 1000

static void on_accept(struct listener *l, struct stream *accepted)
{
    struct worker_listener *slot = listener_owner(l);
    session_open(slot->worker, accepted, slot->side, slot->port);
}

static bool is_open(const struct worker_listener *slot)
{
    return slot->listener || slot->udp;
}

/* A place that is free, or was freed when its gateway went. NULL: there is none. */
static struct worker_listener *free_slot(struct worker *w)
{
    for (unsigned i = 0; i < w->listener_count; i++)
        if (!is_open(&w->listeners[i]))
            return &w->listeners[i];
    return w->listener_count < WORKER_LISTENERS_MAX ? &w->listeners[w->listener_count++] : NULL;
}

/* `tells`: a failure is news. */
static bool open_listener(struct worker *w, const struct addr *at, const struct side *side,
                          uint16_t port, bool udp, bool tells)
{
    struct listener_options options = {.reuse_port = true};
    char text[ADDR_TEXT_MAX];
    struct worker_listener *slot = free_slot(w);
    if (!slot) {
        if (tells)
            LOG_E("worker", "more than %d listeners: %s is not served", WORKER_LISTENERS_MAX,
                  addr_format(at, text));
        return false;
    }
    *slot = (struct worker_listener){.worker = w, .port = port, .side = side};
    enum err e = udp ? udp_port_open(w, at, port, &slot->udp)
                     : listener_open(w->loop, at, &options, on_accept, slot, &slot->listener);
    if (e != ERR_OK) {
        slot->listener = NULL;
        slot->udp = NULL;
        if (tells)
            LOG_E("worker", "cannot listen on %s%s: %s", addr_format(at, text), udp ? "/udp" : "",
                  err_text(e));
    }
    return e == ERR_OK;
}

static bool has_gateway_listener(const struct worker *w, const struct gateway_conf *g)
{
    for (unsigned i = 0; i < w->listener_count; i++) {
        const struct worker_listener *slot = &w->listeners[i];
        bool is_there = gateway_is_udp(g) ? slot->udp != NULL : slot->listener != NULL;
        if (is_there && slot->side == &side_gateway && slot->port == g->port)
            return true;
    }
    return false;
}

static void close_udp(struct worker_listener *slot)
{
    if (slot->udp)
        udp_port_close(slot->udp);
    slot->udp = NULL;
}

static void close_unwanted(struct worker *w)
{
    for (unsigned i = 0; i < w->listener_count; i++) {
        struct worker_listener *slot = &w->listeners[i];
        if (slot->udp && !udp_port_conf(slot->udp))
            close_udp(slot);
        if (slot->listener && slot->side == &side_gateway &&
            !snapshot_gateway(worker_snapshot(w), slot->port)) {
            listener_close(slot->listener);
            slot->listener = NULL;
        }
    }
}

/* What cannot be bound (another program has the port) is tried again until it can. */
static void open_wanted(struct worker *w, bool tells)
{
    uint32_t count;
    unsigned before = w->unbound;
    const struct gateway_conf *const *gateways = snapshot_gateways(worker_snapshot(w), &count);
    w->unbound = 0;
    for (uint32_t i = 0; i < count && !w->is_draining; i++) {
        struct addr at = w->settings->gateway_bind;
        if (has_gateway_listener(w, gateways[i]))
            continue;
        at.port = (uint16_t)(gateways[i]->port + w->settings->gateway_port_offset);
        w->unbound += !open_listener(w, &at, &side_gateway, gateways[i]->port,
                                     gateway_is_udp(gateways[i]), tells);
    }
    if (before && !w->unbound && !w->is_draining)
        LOG_I("worker", "all ports of the gateway are bound now");
    if (w->unbound)
        timer_start(&w->rebind, REBIND_MS);
    else
        timer_stop(&w->rebind);
}

static void on_rebind(struct timer *t)
{
    open_wanted(container_of(t, struct worker, rebind), false);
}

static void each_udp(struct worker *w, void (*visit)(struct udp_port *p))
{
    for (unsigned i = 0; i < w->listener_count; i++)
        if (w->listeners[i].udp)
            visit(w->listeners[i].udp);
}

void worker_listen_adopt(struct worker *w)
{
    if (w->settings->mode != MODE_INGRESS)
        return;
    close_unwanted(w);
    open_wanted(w, true);
    each_udp(w, flow_judge_all);
}

void worker_listen_init(struct worker *w)
{
    timer_init(&w->rebind, w->loop, on_rebind);
}

bool worker_listen_open(struct worker *w)
{
    const struct settings *settings = w->settings;
    if (settings->mode == MODE_INGRESS) {
        worker_listen_adopt(w);
        return true;
    }
    return (!settings->outbound.family ||
            open_listener(w, &settings->outbound, &side_outbound, 0, false, true)) &&
           (!settings->inbound.family ||
            open_listener(w, &settings->inbound, &side_inbound, 0, false, true));
}

void worker_listen_close(struct worker *w, bool outbound_too)
{
    for (unsigned i = 0; i < w->listener_count; i++) {
        struct worker_listener *slot = &w->listeners[i];
        if (!slot->listener || (slot->side->drains_last && !outbound_too))
            continue;
        listener_close(slot->listener);
        slot->listener = NULL;
    }
    w->unbound = 0;
    timer_stop(&w->rebind);
}

void worker_listen_drain_udp(struct worker *w)
{
    each_udp(w, flow_drain_all);
}

void worker_listen_close_udp(struct worker *w)
{
    for (unsigned i = 0; i < w->listener_count; i++)
        close_udp(&w->listeners[i]);
}
