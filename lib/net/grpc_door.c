/* A door whose connections are served by a gRPC service. On one loop, which owns the door. Must not
 * know the methods behind it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc_door.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/net/door.h"

struct grpc_door {
    struct loop *loop;
    struct grpc_door_config config;
    struct door *door;
    struct loop_task grave;
};

static void on_served(void *visit, enum err why, const char *detail)
{
    door_visit_over(visit, why, detail);
}

static void *serve(void *owner, struct stream *s, struct door_visit *visit)
{
    const struct grpc_door_config *config = &((struct grpc_door *)owner)->config;
    return grpc_server_create(s, config->protocol, config->service, on_served, visit);
}

static void close_server(void *server)
{
    grpc_server_close(server);
}

static struct tls_ctx *current_ctx(void *owner)
{
    const struct grpc_door_config *config = &((struct grpc_door *)owner)->config;
    return config->tls(config->owner);
}

static void free_door(struct loop_task *task)
{
    mem_free(container_of(task, struct grpc_door, grave));
}

enum err grpc_door_open(struct loop *l, const struct grpc_door_config *config,
                        struct grpc_door **out)
{
    struct grpc_door *d = mem_zalloc(sizeof(*d));
    struct door_config door = {
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
    loop_task_init(&d->grave, free_door);
    enum err e = door_open(l, &door, &d->door);
    if (e) {
        mem_free(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void grpc_door_addr(const struct grpc_door *d, struct addr *out)
{
    door_addr(d->door, out);
}

void grpc_door_review(struct grpc_door *d)
{
    door_review(d->door);
}

void grpc_door_close(struct grpc_door *d)
{
    if (!d)
        return;
    door_close(d->door);
    loop_bury(d->loop, &d->grave);
}
