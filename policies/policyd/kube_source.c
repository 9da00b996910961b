/* One watch for each kind; the world is complete when every list was read once. A kind of others'
 * that is not installed counts as empty after a while; ours are waited for, since a server that has
 * just started does not know them for a moment, and without them nothing would be denied. On the
 * loop's thread. Must not know what objects mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/kube_source.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_watch.h"

/* Pages are read as they come, so that a large one costs no memory here, and fewer round trips. */
enum { NOT_INSTALLED = 404, PAGE = 4000, MISSING_MS = 3000 };

struct source {
    struct kube_source *feed;
    const struct kind *kind;
    struct kube_watch *watch;
    unsigned trouble; /* status of the last one + 1; 0: none */
    bool was_read;    /* once, whatever came since */
};

struct kube_source {
    struct object_store *world;
    struct source sources[KIND_COUNT];
    size_t unread;
    struct timer missing;
};

static void count_as_read(struct source *s)
{
    struct kube_source *f = s->feed;
    if (s->was_read)
        return;
    s->was_read = true;
    if (--f->unread == 0) {
        LOG_I("feed", "the cluster's objects are all here");
        object_store_set_ready(f->world);
    }
}

static void on_begin(void *owner)
{
    struct source *s = owner;
    object_store_begin(s->feed->world, s->kind);
}

static void on_put(void *owner, const struct doc *object)
{
    struct source *s = owner;
    s->trouble = 0;
    if (kind_is_wanted(s->kind, object))
        object_store_put(s->feed->world, s->kind, object);
    else
        object_store_remove(s->feed->world, s->kind, object);
}

static void on_delete(void *owner, const struct doc *object)
{
    struct source *s = owner;
    object_store_remove(s->feed->world, s->kind, object);
}

static void on_synced(void *owner)
{
    struct source *s = owner;
    s->trouble = 0;
    LOG_D("feed", "%s: the list is complete", kind_path(s->kind));
    object_store_end(s->feed->world, s->kind);
    count_as_read(s);
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    struct source *s = owner;
    if (s->trouble != status + 1)
        LOG_W("feed", "%s: %u %.*s", kind_path(s->kind), status, SLICE_ARG(detail));
    s->trouble = status + 1;
}

static void run_missing(struct timer *t)
{
    struct kube_source *f = container_of(t, struct kube_source, missing);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct source *s = &f->sources[i];
        if (s->trouble == NOT_INSTALLED + 1 && !kind_is_own(s->kind))
            count_as_read(s);
    }
    if (f->unread)
        timer_start(t, MISSING_MS);
}

struct kube_source *kube_source_open(struct loop *l, struct kube_client *client,
                                     struct object_store *world)
{
    static const struct kube_watch_events events = {
        .on_begin = on_begin,
        .on_put = on_put,
        .on_delete = on_delete,
        .on_synced = on_synced,
        .on_trouble = on_trouble,
    };
    struct kube_source *f = mem_zalloc(sizeof *f);
    f->world = world;
    f->unread = KIND_COUNT;
    timer_init(&f->missing, l, run_missing);
    timer_start(&f->missing, MISSING_MS);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct source *s = &f->sources[i];
        s->feed = f;
        s->kind = kind_all[i];
        struct kube_watch_config config = {
            .path = kind_path(s->kind),
            .selectors = slice_from_cstr(s->kind->selectors),
            .page = PAGE,
        };
        s->watch = kube_watch_open(client, &config, &events, s);
    }
    return f;
}

void kube_source_close(struct kube_source *f)
{
    timer_stop(&f->missing);
    for (size_t i = 0; i < KIND_COUNT; i++)
        kube_watch_close(f->sources[i].watch);
    mem_free(f);
}

unsigned kube_source_troubles(const struct kube_source *f)
{
    unsigned count = 0;
    for (size_t i = 0; i < KIND_COUNT; i++)
        count += f->sources[i].trouble > 0 && f->sources[i].trouble != NOT_INSTALLED + 1;
    return count;
}
