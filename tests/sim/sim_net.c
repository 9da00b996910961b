/* Memory streams with addresses, and who answers where. The vtable of each stream is replaced by a
 * copy that knows its addresses and notes when it is closed; bytes are the memory stream's own
 * business. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_net.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/tcp.h"
#include "lib/io/timer.h"

struct wire {
    struct list node;
    struct stream *s; /* NULL: closed */
    struct wire *peer;
    const struct stream_ops *lower;
    struct addr at, peer_at, original;
    bool shut;
    struct sim_tls *tls;
    void (*dispose_tls)(struct sim_tls *);
    void (*describe_tls)(const struct sim_tls *, struct stream_info *);
};

/* A dial under way. */
struct dial {
    struct list node;
    struct wire *client, *server;
    struct sim_host *host;
    struct addr to;
    struct loop_task task;
    struct timer timer;
    enum err fail;
};

static struct {
    struct loop *loop;
    struct list hosts, wires, dials;
    uint16_t next_port;
} net;

static struct wire *wire_of(struct stream *s)
{
    LIST_FOREACH(node, &net.wires)
    {
        struct wire *w = container_of(node, struct wire, node);
        if (w->s == s)
            return w;
    }
    return NULL;
}

/* ---- the replaced vtable ---- */

static const struct stream_ops *lower_ops; /* every memory stream has the same */

static void read_start(struct stream *s)
{
    lower_ops->read_start(s);
}

static void read_stop(struct stream *s)
{
    lower_ops->read_stop(s);
}

static void write_data(struct stream *s, struct buf *data)
{
    lower_ops->write(s, data);
}

static void shut_down(struct stream *s)
{
    wire_of(s)->shut = true;
    lower_ops->shutdown(s);
}

static void forget(struct wire *w)
{
    w->s = NULL;
    if (w->tls)
        w->dispose_tls(w->tls);
    w->tls = NULL;
    if (w->peer->s)
        return;
    list_unlink(&w->node);
    list_unlink(&w->peer->node);
    mem_free(w->peer);
    mem_free(w);
}

/* A dial that its user gave up before it was answered. */
static void cancel_dial(const struct wire *client)
{
    LIST_FOREACH_SAFE(node, next, &net.dials)
    {
        struct dial *d = container_of(node, struct dial, node);
        if (d->client != client)
            continue;
        list_unlink(&d->node);
        loop_task_cancel(&d->task);
        timer_stop(&d->timer);
        struct stream *server = d->server->s;
        mem_free(d);
        stream_close(server);
    }
}

static void close_stream(struct stream *s, bool flush_first)
{
    struct wire *w = wire_of(s);
    cancel_dial(w);
    lower_ops->close(s, flush_first);
    forget(w);
}

static void close_reset(struct stream *s)
{
    memstream_cut(s, ERR_RESET);
    close_stream(s, false);
}

static void info(struct stream *s, struct stream_info *out)
{
    const struct wire *w = wire_of(s);
    lower_ops->info(s, out);
    out->local = w->at;
    out->peer = w->peer_at;
    if (w->tls)
        w->describe_tls(w->tls, out);
}

static const struct stream_ops wire_ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .write = write_data,
    .shutdown = shut_down,
    .close = close_stream,
    .close_reset = close_reset,
    .info = info,
};

static struct wire *make_wire(struct stream *s, const struct addr *at, const struct addr *peer_at)
{
    struct wire *w = mem_zalloc(sizeof(*w));
    lower_ops = s->ops;
    s->ops = &wire_ops;
    w->s = s;
    w->at = *at;
    w->peer_at = *peer_at;
    list_link_last(&net.wires, &w->node);
    return w;
}

static struct wire *make_pair(const struct memstream_options *options, const struct addr *client_at,
                              const struct addr *server_at)
{
    struct stream *a, *b;
    memstream_pair(net.loop, options, &a, &b);
    struct wire *client = make_wire(a, client_at, server_at);
    struct wire *server = make_wire(b, server_at, client_at);
    client->peer = server;
    server->peer = client;
    return client;
}

/* ---- for tests ---- */

void sim_net_open(struct loop *l)
{
    net.loop = l;
    net.next_port = 40000;
    list_init(&net.hosts);
    list_init(&net.wires);
    list_init(&net.dials);
}

void sim_net_close(void)
{
    net.loop = NULL;
}

void sim_net_add(struct sim_host *h)
{
    list_link_last(&net.hosts, &h->node);
}

void sim_net_remove(struct sim_host *h)
{
    list_unlink(&h->node);
}

unsigned sim_net_streams(void)
{
    unsigned count = 0;
    LIST_FOREACH(node, &net.wires)
    {
        count += container_of(node, struct wire, node)->s != NULL;
    }
    return count;
}

void sim_net_pair(const struct memstream_options *options, const struct addr *client_at,
                  const struct addr *server_at, const struct addr *original, struct stream **client,
                  struct stream **server)
{
    struct wire *w = make_pair(options, client_at, server_at);
    if (original)
        w->peer->original = *original;
    *client = w->s;
    *server = w->peer->s;
}

bool sim_net_pump(struct stream *s)
{
    return memstream_pump(s);
}

void sim_net_cut(struct stream *s, enum err why)
{
    memstream_cut(s, why);
}

struct sim_tls *sim_net_tls(struct stream *s)
{
    return wire_of(s)->tls;
}

void sim_net_set_tls(struct stream *s, struct sim_tls *tls, void (*dispose)(struct sim_tls *),
                     void (*describe)(const struct sim_tls *, struct stream_info *))
{
    struct wire *w = wire_of(s);
    w->tls = tls;
    w->dispose_tls = dispose;
    w->describe_tls = describe;
}

/* ---- lib/io/tcp.h ---- */

static struct sim_host *find_host(const struct addr *to, bool from_proxy)
{
    LIST_FOREACH(node, &net.hosts)
    {
        struct sim_host *h = container_of(node, struct sim_host, node);
        if (addr_eq_ip(&h->at, to) && (h->at.port == 0 || h->at.port == to->port) &&
            h->behind_proxy == from_proxy)
            return h;
    }
    return NULL;
}

static void finish_dial(struct dial *d)
{
    struct stream *client = d->client->s, *server = d->server->s;
    struct sim_host *host = d->host;
    struct addr to = d->to;
    enum err fail = d->fail;
    list_unlink(&d->node);
    timer_stop(&d->timer);
    loop_task_cancel(&d->task);
    mem_free(d);
    if (fail) {
        memstream_cut(client, fail);
        stream_close(server);
        return;
    }
    host->on_accept(host, server, &to);
    if (client->events && client->events->on_open)
        client->events->on_open(client);
}

static void on_dial_task(struct loop_task *t)
{
    finish_dial(container_of(t, struct dial, task));
}

static void on_dial_timer(struct timer *t)
{
    finish_dial(container_of(t, struct dial, timer));
}

struct stream *tcp_dial(struct loop *l, const struct addr *to,
                        const struct tcp_dial_options *options, const struct stream_events *events,
                        void *owner)
{
    bool from_proxy = options->bind.family != 0;
    struct sim_host *host = find_host(to, from_proxy);
    struct addr from = {.family = 4, .port = net.next_port++, .ip = {127, 0, 0, 9}};
    struct addr at = *to;
    if (host && host->proxy_port)
        at.port = host->proxy_port;
    struct wire *client = make_pair(host ? &host->options : NULL, &from, &at);
    client->peer_at = client->peer->original = *to;
    struct dial *d = mem_zalloc(sizeof(*d));
    d->client = client;
    d->server = client->peer;
    d->host = host;
    d->to = *to;
    loop_task_init(&d->task, on_dial_task);
    timer_init(&d->timer, l, on_dial_timer);
    list_link_last(&net.dials, &d->node);
    stream_use(client->s, events, owner);
    if (host)
        host->dials++;
    if (host && host->answer == SIM_SILENT) {
        d->fail = ERR_TIMEOUT;
        timer_start(&d->timer, options->timeout_ms);
    } else {
        d->fail = !host || host->answer == SIM_REFUSE ? ERR_REFUSED : ERR_OK;
        if (host && host->connect_ms)
            timer_start(&d->timer, host->connect_ms);
        else
            loop_flush_later(l, &d->task);
    }
    return client->s;
}

enum err tcp_original_dst(struct stream *s, struct addr *out)
{
    const struct wire *w = wire_of(s);
    if (!w->original.family)
        return ERR_NOT_FOUND;
    *out = w->original;
    return ERR_OK;
}

bool tcp_is_stale(struct stream *s)
{
    const struct wire *peer = wire_of(s)->peer;
    return !peer->s || peer->shut;
}

void tcp_set_keepalive(struct stream *s, const struct tcp_keepalive *k)
{
    (void)s;
    (void)k; /* nothing vanishes from memory */
}
