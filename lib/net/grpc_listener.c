/* A listener whose connections are served by a gRPC service. On one loop, which owns the listener.
 * Must not know the methods behind it. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc_listener.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/net/stream_listener.h"

struct grpc_listener {
    struct loop *loop;
    struct grpc_listener_config config;
    struct stream_listener *listener;
    struct loop_task grave;
};

static void on_served(void *visit, enum err why, const char *detail)
{
    stream_listener_over(visit, why, detail);
}

static void *serve(void *owner, struct stream *s, struct accepted *visit)
{
    const struct grpc_listener_config *config = &((struct grpc_listener *)owner)->config;
    return grpc_server_create(s, config->protocol, config->service, on_served, visit);
}

static void close_server(void *server)
{
    grpc_server_close(server);
}

static struct tls_ctx *current_ctx(void *owner)
{
    const struct grpc_listener_config *config = &((struct grpc_listener *)owner)->config;
    return config->tls(config->owner);
}

static void free_listener(struct loop_task *task)
{
    mem_free(container_of(task, struct grpc_listener, grave));
}

enum err grpc_listener_open(struct loop *l, const struct grpc_listener_config *config,
                            struct grpc_listener **out)
{
    struct grpc_listener *d = mem_zalloc(sizeof(*d));
    struct stream_listener_config listener = {
        .at = config->at,
        .area = "door",
        .max_connections = config->max_connections,
        .tls = config->tls ? current_ctx : NULL,
        .serve = serve,
        .close = close_server,
        .owner = d,
    };
    d->loop = l;
    d->config = *config;
    loop_task_init(&d->grave, free_listener);
    enum err e = stream_listener_open(l, &listener, &d->listener);
    if (e) {
        mem_free(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void grpc_listener_addr(const struct grpc_listener *d, struct addr *out)
{
    stream_listener_addr(d->listener, out);
}

void grpc_listener_review(struct grpc_listener *d)
{
    stream_listener_review(d->listener);
}

void grpc_listener_close(struct grpc_listener *d)
{
    if (!d)
        return;
    stream_listener_close(d->listener);
    loop_bury(d->loop, &d->grave);
}
