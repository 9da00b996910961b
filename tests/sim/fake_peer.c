/* Memory streams, whose server end says who is at the other.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/fake_peer.h"

#include "lib/base/mem.h"
#include "lib/io/loop_sim.h"
#include "lib/io/memstream.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void info(struct stream *s, struct stream_info *out)
{
    const struct fake_peer *p =
        container_of((struct stream_ops *)(uintptr_t)s->ops, struct fake_peer, ops);
    p->lower->info(s, out);
    out->is_tls = true;
    out->alpn = SLICE("h2");
    out->peer = p->from;
    out->tls_peer = p->tls.spiffe_id.ptr ? &p->tls : NULL;
}

static void on_closed(void *owner, enum err why, const char *detail)
{
    (void)why;
    (void)detail;
    ((struct fake_peer *)owner)->server = NULL;
}

static void run_connected(struct loop_task *task)
{
    struct fake_peer *p = container_of(task, struct fake_peer, connected);
    p->near->events->on_open(p->near);
}

static struct stream *dial(struct loop *l, void *owner, const struct stream_events *events,
                           void *stream_owner)
{
    struct fake_peer *p = owner;
    struct stream *far;
    assert_null(p->server); /* one connection at a time */
    memstream_pair(l, NULL, &p->near, &far);
    stream_use(p->near, events, stream_owner);
    p->lower = far->ops;
    p->ops = *far->ops;
    p->ops.info = info;
    far->ops = &p->ops;
    p->server = grpc_server_create(far, HTTP_PROTOCOL_2, p->service, on_closed, p);
    loop_run_soon(l, &p->connected);
    return p->near;
}

void fake_peer_init(struct fake_peer *p, struct loop *l, const struct grpc_service *service,
                    const char *id, int64_t not_after_ms, const char *ip)
{
    struct grpc_client_config config = {.authority = SLICE("test"),
                                        .max_response = 1 << 24,
                                        .idle_ms = 1000,
                                        .dial = dial,
                                        .dial_owner = p};
    *p = (struct fake_peer){.loop = l, .service = service};
    loop_task_init(&p->connected, run_connected);
    assert_int_equal(addr_parse(slice_from_cstr(ip), &p->from), ERR_OK);
    if (id)
        p->tls.spiffe_id = slice_from_cstr(id);
    p->tls.not_after_ms = not_after_ms;
    p->client = grpc_client_create(l, &config);
}

void fake_peer_dispose(struct fake_peer *p)
{
    grpc_client_destroy(p->client);
    loop_task_cancel(&p->connected);
    assert_true(loop_sim_turn(p->loop));
    if (p->server)
        grpc_server_close(p->server);
    assert_true(loop_sim_turn(p->loop));
}
