/* Literals and answers come at the end of the turn; names are asked for over a c-ares channel that
 * lives as long as somebody asks. Must not know why it is asked, nor cache.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/resolve.h"

#include <ares.h>
#include <netdb.h>

#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"

enum { HOST_MAX = 253, SERVERS_MAX = 256, TRY_MS = 2000, TRIES = 3 };

static char servers[SERVERS_MAX]; /* empty: those of /etc/resolv.conf */

struct resolver {
    struct loop *loop;
    bool is_absolute; /* the search list of /etc/resolv.conf does not count */
    ares_channel channel;
    struct list questions; /* struct resolve that the channel knows */
    struct list polls;     /* struct poll */
    struct timer due;
    struct loop_task rest; /* what cannot be done inside of the channel's callbacks */
};

struct resolve {
    struct loop *loop;
    struct loop_task task; /* answers; then the grave */
    struct resolver *of;   /* who is asked */
    struct list node;      /* in its questions */
    struct addr addrs[RESOLVE_MAX];
    size_t count;
    uint32_t ttl_s;
    enum err error;
    uint16_t port;
    bool is_canceled;
    resolve_fn done;
    void *owner;
};

/* A socket of the channel's. */
struct poll {
    struct list node;
    struct resolver *of;
    ares_socket_t fd;
    uv_poll_t handle;
};

/* ---- sockets and time of a channel ---- */

static void note_due(struct resolver *v)
{
    struct timeval left, *next = ares_timeout(v->channel, NULL, &left);
    if (next)
        timer_start(&v->due, (uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1);
    else
        timer_stop(&v->due);
}

static void on_due(struct timer *t)
{
    struct resolver *v = container_of(t, struct resolver, due);
    ares_process_fd(v->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    note_due(v);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct poll *p = container_of(handle, struct poll, handle);
    struct resolver *v = p->of;
    /* A failed socket is one to read from: reading tells why. */
    bool reads = status < 0 || (events & UV_READABLE);
    bool writes = status < 0 || (events & UV_WRITABLE);
    ares_process_fd(v->channel, reads ? p->fd : ARES_SOCKET_BAD, writes ? p->fd : ARES_SOCKET_BAD);
    note_due(v);
}

static void on_poll_closed(uv_handle_t *handle)
{
    mem_free(container_of((uv_poll_t *)handle, struct poll, handle));
}

static void close_poll(struct poll *p)
{
    list_unlink(&p->node);
    uv_poll_stop(&p->handle);
    uv_close((uv_handle_t *)&p->handle, on_poll_closed);
}

static struct poll *poll_of(struct resolver *v, ares_socket_t fd)
{
    LIST_FOREACH(node, &v->polls)
    {
        struct poll *p = container_of(node, struct poll, node);
        if (p->fd == fd)
            return p;
    }
    struct poll *p = mem_zalloc(sizeof(*p));
    p->of = v;
    p->fd = fd;
    uv_poll_init(&v->loop->uv, &p->handle, fd);
    list_link_last(&v->polls, &p->node);
    return p;
}

static void on_socket(void *owner, ares_socket_t fd, int reads, int writes)
{
    struct poll *p = poll_of(owner, fd);
    int events = (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0);
    if (events)
        uv_poll_start(&p->handle, events, on_poll);
    else
        close_poll(p);
}

/* ---- a channel ---- */

static bool is_wanted(const struct resolver *v)
{
    LIST_FOREACH(node, &v->questions)
    {
        if (!container_of(node, struct resolve, node)->is_canceled)
            return true;
    }
    return false;
}

/* Nobody waits for anything any more. */
static void on_rest(struct loop_task *task)
{
    struct resolver *v = container_of(task, struct resolver, rest);
    if (is_wanted(v))
        return;
    v->loop->resolvers[v->is_absolute] = NULL;
    timer_stop(&v->due);
    ares_destroy(v->channel); /* ends what is canceled, and its sockets */
    loop_task_cancel(&v->rest);
    mem_free(v);
}

static void open_library(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

static struct resolver *open_resolver(struct loop *l, bool is_absolute)
{
    static uv_once_t once = UV_ONCE_INIT;
    struct resolver *v = mem_zalloc(sizeof(*v));
    struct ares_options options = {.flags = is_absolute ? ARES_FLAG_NOSEARCH : 0,
                                   .timeout = TRY_MS,
                                   .tries = TRIES,
                                   .sock_state_cb = on_socket,
                                   .sock_state_cb_data = v};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    uv_once(&once, open_library);
    if (ares_init_options(&v->channel, &options, mask) != ARES_SUCCESS) {
        mem_free(v);
        return NULL;
    }
    if (*servers)
        ares_set_servers_ports_csv(v->channel, servers);
    v->loop = l;
    v->is_absolute = is_absolute;
    list_init(&v->questions);
    list_init(&v->polls);
    timer_init(&v->due, l, on_due);
    loop_task_init(&v->rest, on_rest);
    return v;
}

enum err resolve_use_servers(struct slice list)
{
    ares_channel channel;
    if (!list.len || list.len >= sizeof(servers) || memchr(list.ptr, 0, list.len))
        return ERR_INVALID;
    memcpy(servers, list.ptr, list.len);
    servers[list.len] = '\0';
    if (ares_init(&channel) != ARES_SUCCESS)
        return ERR_INVALID;
    bool is_good = ares_set_servers_ports_csv(channel, servers) == ARES_SUCCESS;
    ares_destroy(channel);
    if (!is_good)
        servers[0] = '\0';
    return is_good ? ERR_OK : ERR_INVALID;
}

/* ---- answers ---- */

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

static void answer(struct loop_task *task)
{
    struct resolve *r = container_of(task, struct resolve, task);
    bury(r);
    if (r->error)
        r->done(r->owner, r->error, NULL, 0, 0);
    else
        r->done(r->owner, ERR_OK, r->addrs, r->count, r->ttl_s);
}

static void take_addresses(struct resolve *r, const struct ares_addrinfo *found)
{
    for (const struct ares_addrinfo_node *at = found->nodes; at && r->count < RESOLVE_MAX;
         at = at->ai_next) {
        struct addr *a = &r->addrs[r->count];
        uint32_t ttl_s = at->ai_ttl > 0 ? (uint32_t)at->ai_ttl : 0;
        if (addr_from_sockaddr(at->ai_addr, a))
            continue;
        a->port = r->port;
        r->ttl_s = !r->count++ || ttl_s < r->ttl_s ? ttl_s : r->ttl_s;
    }
    r->error = r->count ? ERR_OK : ERR_DNS;
}

/* Perhaps from inside of resolve_start, and of the channel's other functions. */
static void on_answer(void *owner, int status, int timeouts, struct ares_addrinfo *found)
{
    struct resolve *r = owner;
    (void)timeouts;
    list_unlink(&r->node);
    if (r->is_canceled)
        bury(r);
    else
        loop_run_soon(r->loop, &r->task);
    if (status == ARES_SUCCESS)
        take_addresses(r, found);
    else
        r->error = status == ARES_ETIMEOUT ? ERR_TIMEOUT : ERR_DNS;
    if (found)
        ares_freeaddrinfo(found);
    loop_run_soon(r->loop, &r->of->rest);
}

/* ---- asking ---- */

static struct resolver *resolver_for(struct loop *l, bool is_absolute)
{
    struct resolver **v = &l->resolvers[is_absolute];
    if (!*v)
        *v = open_resolver(l, is_absolute);
    return *v;
}

static enum err ask(struct resolve *r, struct slice host)
{
    struct ares_addrinfo_hints hints = {.ai_socktype = SOCK_STREAM};
    char name[HOST_MAX + 1];
    bool is_absolute = slice_ends_with(host, SLICE("."));
    if (is_absolute)
        host.len--; /* what /etc/hosts has no dot behind */
    if (host.len == 0 || host.len > HOST_MAX || memchr(host.ptr, 0, host.len) || r->loop->simulated)
        return ERR_INVALID;
    struct resolver *v = r->of = resolver_for(r->loop, is_absolute);
    if (!v)
        return ERR_DNS;
    memcpy(name, host.ptr, host.len);
    name[host.len] = '\0';
    list_link_last(&v->questions, &r->node);
    ares_getaddrinfo(v->channel, name, NULL, &hints, on_answer, r);
    note_due(v);
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
    list_init(&r->node);
    loop_task_init(&r->task, answer);
    struct addr *literal = &r->addrs[0];
    if (host.len && addr_parse(host, literal) == ERR_OK && literal->port == 0) {
        literal->port = port;
        r->count = 1;
        loop_run_soon(l, &r->task);
        return r;
    }
    enum err e = ask(r, host);
    if (e) {
        r->error = e;
        loop_run_soon(l, &r->task);
    }
    return r;
}

void resolve_cancel(struct resolve *r)
{
    if (!list_is_linked(&r->node)) {
        bury(r); /* it is answered, or never was asked */
        return;
    }
    r->is_canceled = true;
    loop_run_soon(r->loop, &r->of->rest);
}
