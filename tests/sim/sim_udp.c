/* See sim_udp.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_udp.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/udp.h"
#include "tests/sim/cmocka_sim.h"
#include "tests/sim/sim_net.h"

struct udp {
    struct list node;
    struct loop *loop;
    const struct udp_events *events;
    void *owner;
    struct addr at, to; /* to.family 0: bound */
    struct loop_task refusal, grave;
    bool is_closed;
};

struct sim_udp_sent sim_udp_sent;
static struct list sockets = {&sockets, &sockets}, hosts = {&hosts, &hosts};
static enum err connect_refusal, send_refusal[2];
static unsigned connect_refusals;

/* ---- for tests ---- */

void sim_udp_add(struct sim_udp_host *h, const char *at)
{
    *h = (struct sim_udp_host){0};
    assert_int_equal(addr_parse(slice_from_cstr(at), &h->at), ERR_OK);
    list_link_last(&hosts, &h->node);
}

void sim_udp_remove(struct sim_udp_host *h)
{
    list_unlink(&h->node);
}

static struct sim_udp_host *find_host(const struct addr *at)
{
    LIST_FOREACH(node, &hosts)
    {
        struct sim_udp_host *h = container_of(node, struct sim_udp_host, node);
        if (addr_eq(&h->at, at))
            return h;
    }
    return NULL;
}

void sim_udp_answer(struct sim_udp_host *h, const char *text)
{
    struct udp_datagram d = {.data = (const uint8_t *)text, .len = strlen(text)};
    h->from->events->on_datagrams(h->from, &d, 1);
}

void sim_udp_arrive(uint16_t port, const char *from, const char *local, const char *text,
                    unsigned count)
{
    struct udp_datagram d[UDP_BATCH] = {{.data = (const uint8_t *)text, .len = strlen(text)}};
    struct udp *at = NULL;
    assert_true(count <= UDP_BATCH);
    assert_int_equal(addr_parse(slice_from_cstr(from), &d[0].peer), ERR_OK);
    if (local)
        assert_int_equal(addr_parse(slice_from_cstr(local), &d[0].local), ERR_OK);
    for (unsigned i = 1; i < count; i++)
        d[i] = d[0];
    LIST_FOREACH(node, &sockets)
    {
        struct udp *u = container_of(node, struct udp, node);
        if (!u->to.family && u->at.port == port)
            at = u;
    }
    if (at)
        at->events->on_datagrams(at, d, count);
}

unsigned sim_udp_open(void)
{
    unsigned count = 0;
    LIST_FOREACH(node, &sockets)
    {
        count++;
    }
    return count;
}

unsigned sim_udp_connected(void)
{
    unsigned count = 0;
    LIST_FOREACH(node, &sockets)
    {
        count += container_of(node, struct udp, node)->to.family != 0;
    }
    return count;
}

void sim_udp_refuse_connects(enum err why, unsigned times)
{
    connect_refusal = why;
    connect_refusals = times;
}

void sim_udp_refuse_sends(enum err connected, enum err bound)
{
    send_refusal[0] = connected;
    send_refusal[1] = bound;
}

/* ---- lib/io/udp.h ---- */

static void tell_refusal(struct loop_task *task)
{
    struct udp *u = container_of(task, struct udp, refusal);
    if (!u->is_closed)
        u->events->on_fail(u, ERR_REFUSED);
}

static void destroy_buried(struct loop_task *task)
{
    mem_free(container_of(task, struct udp, grave));
}

static struct udp *create(struct loop *l, const struct udp_events *events, void *owner)
{
    struct udp *u = mem_zalloc(sizeof(*u));
    u->loop = l;
    u->events = events;
    u->owner = owner;
    loop_task_init(&u->refusal, tell_refusal);
    loop_task_init(&u->grave, destroy_buried);
    list_link_last(&sockets, &u->node);
    return u;
}

enum err udp_bind(struct loop *l, const struct addr *at, const struct udp_options *options,
                  const struct udp_events *events, void *owner, struct udp **out)
{
    assert_true(options->reuse_port);
    if (sim_net_listener_refusal())
        return sim_net_listener_refusal();
    *out = create(l, events, owner);
    (*out)->at = *at;
    return ERR_OK;
}

enum err udp_connect(struct loop *l, const struct addr *to, const struct udp_events *events,
                     void *owner, struct udp **out)
{
    if (connect_refusals) {
        connect_refusals--;
        return connect_refusal;
    }
    *out = create(l, events, owner);
    (*out)->to = *to;
    return ERR_OK;
}

void *udp_owner(const struct udp *u)
{
    return u->owner;
}

void udp_addr(const struct udp *u, struct addr *out)
{
    *out = u->at;
}

static void copy_text(char to[SIM_UDP_TEXT_MAX], const struct udp_datagram *d)
{
    size_t len = d->len < SIM_UDP_TEXT_MAX ? d->len : SIM_UDP_TEXT_MAX - 1;
    memcpy(to, d->data, len);
    to[len] = '\0';
}

static void send_up(struct udp *u, const struct udp_datagram *d)
{
    struct sim_udp_host *h = find_host(&u->to);
    if (h && h->refuses)
        loop_flush_later(u->loop, &u->refusal);
    if (!h || h->refuses)
        return;
    h->count++;
    h->len = d->len;
    h->from = u;
    copy_text(h->text, d);
}

static void send_down(const struct udp_datagram *d)
{
    sim_udp_sent.count++;
    sim_udp_sent.peer = d->peer;
    sim_udp_sent.local = d->local;
    sim_udp_sent.len = d->len;
    copy_text(sim_udp_sent.text, d);
}

size_t udp_send(struct udp *u, const struct udp_datagram *d, size_t count, enum err *why)
{
    *why = send_refusal[u->to.family == 0];
    for (size_t i = 0; i < count && !*why; i++)
        if (u->to.family)
            send_up(u, &d[i]);
        else
            send_down(&d[i]);
    return *why ? 0 : count;
}

void udp_close(struct udp *u)
{
    if (u->is_closed)
        return;
    u->is_closed = true;
    list_unlink(&u->node);
    loop_task_cancel(&u->refusal);
    loop_bury(u->loop, &u->grave);
}
