/* What comes in by a port for datagrams is sorted by client and handed to its flow.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/session/udp_port.h"

#include "lib/base/mem.h"
#include "sidecar/session/flow.h"
#include "sidecar/worker/worker.h"

static bool is_of_one_client(const struct udp_datagram *a, const struct udp_datagram *b)
{
    return addr_eq(&a->peer, &b->peer) && addr_eq(&a->local, &b->local);
}

static uint64_t bytes_of(const struct udp_datagram *d, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += d[i].len;
    return bytes;
}

static void on_datagrams(struct udp *u, struct udp_datagram *d, size_t count)
{
    struct udp_port *p = udp_owner(u);
    metrics_add(p->worker->metrics, METRICS_UDP_DATAGRAMS_RECEIVED, count);
    metrics_add(p->worker->metrics, METRICS_UDP_BYTES_RECEIVED, bytes_of(d, count));
    for (size_t at = 0, next; at < count; at = next) {
        for (next = at + 1; next < count && is_of_one_client(&d[at], &d[next]); next++) {
        }
        flow_take(p, d + at, next - at);
    }
}

static const struct udp_events events = {.on_datagrams = on_datagrams};

enum err udp_port_open(struct worker *w, const struct addr *at, uint16_t number,
                       struct udp_port **out)
{
    struct udp_options options = {.reuse_port = true};
    struct udp_port *p = mem_zalloc(sizeof(*p));
    enum err e = udp_bind(w->loop, at, &options, &events, p, &p->socket);
    if (e) {
        mem_free(p);
        return e;
    }
    p->worker = w;
    p->number = number;
    udp_addr(p->socket, &p->at);
    *out = p;
    return ERR_OK;
}

void udp_port_close(struct udp_port *p)
{
    flow_end_all(p);
    udp_close(p->socket);
    mem_free(p);
}

const struct gateway_conf *udp_port_conf(const struct udp_port *p)
{
    return snapshot_udp_gateway(worker_snapshot(p->worker), p->number);
}

void udp_port_send(struct udp_port *p, const struct udp_datagram *d, size_t count)
{
    enum err why;
    size_t sent = udp_send(p->socket, d, count, &why);
    metrics_add(p->worker->metrics, METRICS_UDP_DATAGRAMS_SENT, sent);
    metrics_add(p->worker->metrics, METRICS_UDP_BYTES_SENT, bytes_of(d, count));
    if (sent < count)
        udp_port_drop(p, why == ERR_AGAIN ? SLICE("buffer_full") : SLICE("client_unreachable"),
                      count - sent);
}

void udp_port_drop(struct udp_port *p, struct slice reason, size_t count)
{
    metrics_count_udp_dropped(p->worker->metrics, reason, count);
}
