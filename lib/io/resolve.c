/* Host names into addresses: literals at the end of the turn, names by getaddrinfo on one of
 * libuv's own threads. A question that is no longer wanted stays until the system has answered,
 * and its loop waits for that. On the loop's thread. Must not know why it is asked, nor cache.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/resolve.h"

#include <netdb.h>

#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/uv_err.h"

enum { HOST_MAX = 253 };

struct resolve {
    struct loop *loop;
    struct loop_task task; /* answers what needs no resolver; then the grave */
    uv_getaddrinfo_t req;
    struct addr addrs[RESOLVE_MAX];
    size_t count;
    enum err error;
    uint16_t port;
    bool asked, canceled;
    resolve_fn done;
    void *owner;
};

static void free_resolve(struct loop_task *task)
{
    mem_free(container_of(task, struct resolve, task));
}

static void bury(struct resolve *r)
{
    loop_task_cancel(&r->task);
    loop_task_init(&r->task, free_resolve);
    loop_bury(r->loop, &r->task);
}

static void answer(struct resolve *r)
{
    bury(r);
    r->done(r->owner, r->error, r->error ? NULL : r->addrs, r->error ? 0 : r->count);
}

static void answer_now(struct loop_task *task)
{
    answer(container_of(task, struct resolve, task));
}

static void take_addresses(struct resolve *r, const struct addrinfo *list)
{
    for (const struct addrinfo *at = list; at && r->count < RESOLVE_MAX; at = at->ai_next) {
        struct addr *a = &r->addrs[r->count];
        if (addr_from_sockaddr(at->ai_addr, a))
            continue;
        a->port = r->port;
        r->count++;
    }
    if (r->count == 0)
        r->error = ERR_DNS;
}

static void on_answer(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct resolve *r = container_of(req, struct resolve, req);
    r->loop->lingering--;
    if (status < 0)
        r->error = err_from_uv(status);
    else
        take_addresses(r, list);
    uv_freeaddrinfo(list);
    if (r->canceled)
        bury(r);
    else
        answer(r);
}

static enum err ask(struct resolve *r, struct slice host)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char name[HOST_MAX + 1];
    if (host.len == 0 || host.len > HOST_MAX || memchr(host.ptr, 0, host.len) || r->loop->simulated)
        return ERR_INVALID;
    memcpy(name, host.ptr, host.len);
    name[host.len] = '\0';
    int status = uv_getaddrinfo(&r->loop->uv, &r->req, on_answer, name, NULL, &hints);
    if (status < 0)
        return err_from_uv(status);
    r->asked = true;
    r->loop->lingering++;
    return ERR_OK;
}

struct resolve *resolve_start(struct loop *l, struct slice host, uint16_t port, resolve_fn done,
                              void *owner)
{
    struct resolve *r = mem_zalloc(sizeof(*r));
    r->loop = l;
    r->port = port;
    r->done = done;
    r->owner = owner;
    loop_task_init(&r->task, answer_now);
    struct addr *literal = &r->addrs[0];
    if (host.len && addr_parse(host, literal) == ERR_OK && literal->port == 0) {
        literal->port = port;
        r->count = 1;
    } else {
        r->error = ask(r, host);
    }
    if (!r->asked)
        loop_run_soon(l, &r->task);
    return r;
}

void resolve_cancel(struct resolve *r)
{
    if (!r->asked) {
        bury(r);
        return;
    }
    r->canceled = true;
    uv_cancel((uv_req_t *)&r->req);
}
