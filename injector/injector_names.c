/* Two names, each asked for every half minute. An address that was found stays until another is:
 * an old one harms nobody, since names come first. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/injector_names.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "lib/io/timer.h"

enum { NAME_COUNT = 2, ASK_MS = 30000 };

struct name {
    struct loop *loop;
    struct slice host;
    uint16_t port;
    struct slice *to; /* of the inject_config */
    struct resolve *resolving;
    char text[ADDR_TEXT_MAX];
};

struct injector_names {
    struct name names[NAME_COUNT];
    struct timer timer;
};

static void on_resolved(void *owner, enum err e, const struct addr *addrs, size_t count,
                        uint32_t ttl_s)
{
    struct name *n = owner;
    char text[ADDR_TEXT_MAX];
    (void)count, (void)ttl_s;
    n->resolving = NULL;
    if (e) {
        LOG_D("injector", "%.*s: %s", SLICE_ARG(n->host), err_text(e));
        return;
    }
    addr_format_ip(&addrs[0], text);
    if (slice_eq_cstr(*n->to, text))
        return;
    memcpy(n->text, text, sizeof text);
    *n->to = slice_from_cstr(n->text);
    LOG_I("injector", "%.*s is %s", SLICE_ARG(n->host), n->text);
}

static void ask(struct timer *t)
{
    struct injector_names *all = container_of(t, struct injector_names, timer);
    for (size_t i = 0; i < NAME_COUNT; i++) {
        struct name *n = &all->names[i];
        if (n->host.len && !n->resolving)
            n->resolving = resolve_start(n->loop, n->host, n->port, on_resolved, n);
    }
    timer_start(t, ASK_MS);
}

/* A literal address needs no second one. */
static void prepare(struct name *n, struct loop *l, struct slice address, struct slice *to)
{
    struct addr literal;
    *n = (struct name){.loop = l, .to = to};
    if (addr_parse(address, &literal) && addr_split(address, &n->host, &n->port))
        n->host = SLICE("");
}

struct injector_names *injector_names_open(struct loop *l, struct inject_config *config)
{
    struct injector_names *all = mem_zalloc(sizeof *all);
    prepare(&all->names[0], l, config->discovery, &config->discovery_ip);
    prepare(&all->names[1], l, config->certd, &config->certd_ip);
    timer_init(&all->timer, l, ask);
    ask(&all->timer);
    return all;
}

void injector_names_close(struct injector_names *all)
{
    if (!all)
        return;
    timer_stop(&all->timer);
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (all->names[i].resolving)
            resolve_cancel(all->names[i].resolving);
    mem_free(all);
}
