/* Raw peers: what they receive is kept as text. On the simulation's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_peer.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/tcp.h"
#include "tests/sim/cmocka_sim.h"
#include "tests/sim/sim_tls.h"

static void on_open(struct stream *s)
{
    ((struct sim_peer *)s->owner)->opened = true;
    stream_read_start(s);
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct sim_peer *p = s->owner;
    (void)owner;
    sim_text_add(&p->in, data, len);
}

static void on_eof(struct stream *s)
{
    ((struct sim_peer *)s->owner)->eof = true;
}

static void on_fail(struct stream *s, enum err why)
{
    struct sim_peer *p = s->owner;
    p->failed = true;
    p->why = why;
}

static const struct stream_events events = {
    .on_open = on_open, .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

struct sim_peer *sim_peer_create(struct stream *s)
{
    struct sim_peer *p = mem_zalloc(sizeof(*p));
    list_init(&p->node);
    p->s = s;
    p->loop = s->loop;
    stream_use(s, &events, p);
    stream_read_start(s);
    return p;
}

void sim_peer_destroy(struct sim_peer *p)
{
    if (p->s)
        sim_peer_reset(p);
    list_unlink(&p->node);
    sim_text_dispose(&p->in);
    mem_free(p);
}

void sim_peer_send_bytes(struct sim_peer *p, const void *data, size_t len)
{
    struct buf out;
    buf_init(&out);
    buf_append(&out, data, len);
    stream_write(p->s, &out);
}

void sim_peer_send(struct sim_peer *p, const char *text)
{
    sim_peer_send_bytes(p, text, strlen(text));
}

void sim_peer_shut(struct sim_peer *p)
{
    stream_shutdown(p->s);
}

void sim_peer_close(struct sim_peer *p)
{
    if (p->s)
        stream_close_flushed(p->s);
    p->s = NULL;
}

void sim_peer_reset(struct sim_peer *p)
{
    stream_close_reset(p->s);
    p->s = NULL;
}

void sim_peer_read(struct sim_peer *p, bool on)
{
    if (on)
        stream_read_start(p->s);
    else
        stream_read_stop(p->s);
}

const char *sim_peer_got(const struct sim_peer *p)
{
    return sim_text_get(&p->in);
}

void sim_peer_forget(struct sim_peer *p)
{
    sim_text_drop(&p->in, p->in.len);
}

void sim_peer_expect(struct sim_peer *p, const char *text)
{
    loop_sim_turn(p->loop);
    assert_string_equal(sim_peer_got(p), text);
    sim_peer_forget(p);
}

void sim_peer_expect_part(struct sim_peer *p, const char *start, const char *part)
{
    loop_sim_turn(p->loop);
    if (strncmp(sim_peer_got(p), start, strlen(start)) != 0 ||
        (part && !strstr(sim_peer_got(p), part)))
        fail_msg("received:\n%s\nexpected: %s ... %s", sim_peer_got(p), start, part ? part : "");
    sim_peer_forget(p);
}

bool sim_peer_is_over(const struct sim_peer *p)
{
    return p->eof || p->failed;
}

/* ---- apps ---- */

static void on_accept(struct sim_host *h, struct stream *accepted, const struct addr *to)
{
    struct sim_app *a = h->owner;
    struct sim_peer *p = sim_peer_create(accepted);
    if (a->tls)
        sim_tls_accept(accepted, a->tls);
    p->to = *to;
    a->connections++;
    list_link_last(&a->accepted, &p->node);
}

void sim_app_open(struct sim_app *a, const char *address)
{
    *a = (struct sim_app){.host = {.on_accept = on_accept, .owner = a}};
    assert_int_equal(addr_parse(slice_from_cstr(address), &a->host.at), ERR_OK);
    list_init(&a->accepted);
    list_init(&a->all);
    sim_net_add(&a->host);
}

struct sim_peer *sim_app_accept(struct sim_app *a)
{
    struct list *node = list_take_first(&a->accepted);
    if (!node)
        return NULL;
    list_link_last(&a->all, node);
    return container_of(node, struct sim_peer, node);
}

void sim_app_close(struct sim_app *a)
{
    sim_net_remove(&a->host);
    list_splice_last(&a->all, &a->accepted);
    LIST_FOREACH_SAFE(node, next, &a->all)
    sim_peer_destroy(container_of(node, struct sim_peer, node));
}
