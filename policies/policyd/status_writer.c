/* A queue of statuses by object. A write that is on its way, or whose outcome the watch has not
 * shown yet, holds back the next one for the same object: what is written is always made from what
 * the API server has. On the loop's thread. Must not know what a status says.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/status_writer.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_pace.h"
#include "lib/kube/kube_write.h"
#include "policies/policyd/compile_cache.h"
#include "policies/policyd/object_store.h"

enum {
    COMPUTE_MS = 20,    /* between two looks at everything */
    PATIENCE_MS = 1000, /* with what is more urgent */
    PUMP_MS = 40,       /* between two helpings of writes, of at most BURST each */
    BURST = 24,         /* 600 a second */
    UNDER_WAY = 24,     /* at a time */
    UNSEEN_MS = 5000,   /* a write that the watch has not shown by then is tried again */
    KEY_MAX = 600,
    TOLD_MAX = 4096,
    CONFLICT = 409,
    NOT_FOUND = 404,
};

enum write_state {
    WRITE_QUEUED,
    WRITE_SENT,
    WRITE_UNSEEN, /* answered, but the watch has not shown what it changed */
    WRITE_FAILED,
};

struct write {
    struct status_writer *writer;
    struct list node; /* in the queue, while QUEUED */
    enum write_state state;
    const struct kind *kind;
    char *namespace_name, *name, *version, *status;
    struct kube_request *request;
    struct kube_pace pace;
    uint64_t round;    /* the look at everything that wanted it last */
    uint64_t again_ms; /* UNSEEN: not before, while the watch shows the same version */
};

struct status_writer {
    struct status_writer_config config;
    struct map writes; /* by kind, namespace and name */
    struct map told;   /* refused objects by text -> hash of what was told of them */
    struct list queue;
    struct timer compute, pump;
    uint64_t round, count;
    uint64_t asked_ms; /* since when a look is due; 0: it is not */
    unsigned under_way;
    bool is_active;
};

/* ---- life of a write ---- */

static struct slice key_of(char key[KEY_MAX], enum kind_id kind, struct slice ns, struct slice name)
{
    int len = snprintf(key, KEY_MAX, "%d/%.*s/%.*s", (int)kind, SLICE_ARG(slice_sub(ns, 0, 253)),
                       SLICE_ARG(slice_sub(name, 0, 253)));
    return slice_of(key, (size_t)len);
}

static void free_write(struct write *one)
{
    list_unlink(&one->node);
    if (one->request) {
        one->writer->under_way--;
        kube_request_cancel(one->request);
    }
    mem_free(one->namespace_name);
    mem_free(one->name);
    mem_free(one->version);
    mem_free(one->status);
    mem_free(one);
}

/* A look that is due later does not hold up one that is due earlier. */
static void look_later(struct status_writer *w, uint64_t delay_ms)
{
    uint64_t due_ms = loop_now_ms(w->config.loop) + delay_ms;
    if (!w->asked_ms || due_ms < w->asked_ms)
        w->asked_ms = due_ms;
    if (w->is_active && (!timer_is_running(&w->compute) || due_ms < w->compute.due_ms))
        timer_start(&w->compute, delay_ms);
}

static void on_written(void *owner, const struct kube_result *result)
{
    struct write *one = owner;
    struct status_writer *w = one->writer;
    bool ok = kube_pace_take(&one->pace, result);
    one->request = NULL;
    w->under_way--;
    w->count += ok;
    look_later(w, COMPUTE_MS); /* what was held back meanwhile */
    /* After a conflict, too, the watch will show another version than the one that was looked at;
     * or it did so already. */
    if (ok || result->status == CONFLICT) {
        one->state = WRITE_UNSEEN;
        one->again_ms = loop_now_ms(w->config.loop) + UNSEEN_MS;
        return;
    }
    one->state = WRITE_FAILED;
    if (result->status != NOT_FOUND)
        LOG_W("status", "%s %s/%s: %u %.*s; next try in %lu ms", one->kind->plural,
              one->namespace_name, one->name, result->status, SLICE_ARG(result->detail),
              (unsigned long)kube_pace_wait_ms(&one->pace));
}

static void send(struct write *one)
{
    struct kube_ref ref = {kind_api_version(one->kind), one->kind->plural,
                           slice_from_cstr(one->namespace_name), slice_from_cstr(one->name)};
    list_unlink(&one->node);
    one->state = WRITE_SENT;
    one->writer->under_way++;
    one->request =
        kube_write_status(one->writer->config.client, &ref, slice_from_cstr(one->version),
                          slice_from_cstr(one->status), on_written, one);
}

static void run_pump(struct timer *t)
{
    struct status_writer *w = container_of(t, struct status_writer, pump);
    for (unsigned i = 0; i < BURST && w->under_way < UNDER_WAY && !list_is_empty(&w->queue); i++)
        send(container_of(w->queue.next, struct write, node));
    if (!list_is_empty(&w->queue))
        timer_start(&w->pump, PUMP_MS);
}

/* ---- what should be written ---- */

/* When it may be written again; UNSEEN: if the watch does not show another version before. */
static uint64_t due_ms(const struct write *one, bool same_version)
{
    uint64_t now_ms = loop_now_ms(one->writer->config.loop);
    uint64_t paced_ms = now_ms + kube_pace_wait_ms(&one->pace);
    bool is_unseen = one->state == WRITE_UNSEEN && same_version;
    return is_unseen && one->again_ms > paced_ms ? one->again_ms : paced_ms;
}

static bool holds_back(const struct write *one, const struct object *o)
{
    bool same_version = slice_eq_cstr(o->meta.resource_version, one->version);
    return one->state == WRITE_SENT ||
           due_ms(one, same_version) > loop_now_ms(one->writer->config.loop);
}

static void replace(char **text, struct slice with)
{
    mem_free(*text);
    *text = mem_strndup(with.ptr, with.len);
}

static struct write *make_write(struct status_writer *w, const struct object *o, struct slice key)
{
    struct write *one = mem_zalloc(sizeof *one);
    one->writer = w;
    one->kind = o->kind;
    replace(&one->namespace_name, o->meta.namespace_name);
    replace(&one->name, o->meta.name);
    list_init(&one->node);
    kube_pace_init(&one->pace, w->config.loop);
    map_put(&w->writes, key, one);
    return one;
}

static void emit(void *owner, const struct object *o, struct slice status)
{
    struct status_writer *w = owner;
    char text[KEY_MAX];
    struct slice key = key_of(text, o->kind->id, o->meta.namespace_name, o->meta.name);
    struct write *one = map_get(&w->writes, key);
    if (!one)
        one = make_write(w, o, key);
    one->round = w->round;
    /* An object that is another by now may be luckier. The status is another at every look, since
     * it has the time in it. */
    if (one->state == WRITE_FAILED && !slice_eq_cstr(o->meta.resource_version, one->version))
        kube_pace_forgive(&one->pace);
    if (holds_back(one, o))
        return;
    replace(&one->version, o->meta.resource_version);
    replace(&one->status, status);
    one->state = WRITE_QUEUED;
    if (!list_is_linked(&one->node))
        list_link_last(&w->queue, &one->node);
}

/* What is not wanted any more, once its record does not matter either. What is wanted and held back
 * is looked at again when it is due, also if nothing else happens. */
static void clean(struct status_writer *w)
{
    uint64_t now_ms = loop_now_ms(w->config.loop), next_ms = UINT64_MAX;
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&w->writes, &at, &key, &value);) {
        struct write *one = value;
        bool is_wanted = one->round == w->round;
        if (one->state == WRITE_SENT || (one->state == WRITE_QUEUED && is_wanted))
            continue;
        if (is_wanted) {
            uint64_t due = due_ms(one, true);
            next_ms = due < next_ms ? due : next_ms;
        } else if (kube_pace_is_quiet(&one->pace)) {
            map_remove(&w->writes, key);
            free_write(one);
        } else if (one->state == WRITE_QUEUED) {
            list_unlink(&one->node);
            one->state = WRITE_FAILED;
        }
    }
    if (next_ms != UINT64_MAX)
        look_later(w, next_ms > now_ms ? next_ms - now_ms : 0);
}

/* ---- Events ---- */

static void tell_refusal(void *owner, const struct object *o, const struct diag_list *why)
{
    struct status_writer *w = owner;
    char note[512];
    size_t len = 0;
    LIST_FOREACH(node, (struct list *)&why->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        if (d->is_warning || len >= sizeof note - 1)
            continue;
        int more = snprintf(note + len, sizeof note - len, "%s%.*s: %.*s", len ? "; " : "",
                            SLICE_ARG(d->path), SLICE_ARG(d->text));
        len += more > 0 ? (size_t)more : 0;
    }
    len = len < sizeof note ? len : sizeof note - 1;
    uintptr_t hash = (uintptr_t)slice_hash(slice_of(note, len)) | 1;
    if ((uintptr_t)map_get(&w->told, o->text) == hash)
        return;
    if (w->told.count >= TOLD_MAX) {
        map_dispose(&w->told);
        map_init(&w->told);
    }
    map_put(&w->told, o->text, (void *)hash);
    LOG_W("status", "%.*s is refused: %.*s", SLICE_ARG(o->text), (int)len, note);
    struct kube_event event = {
        .kind = o->kind->name,
        .about = {kind_api_version(o->kind), o->kind->plural, o->meta.namespace_name,
                  o->meta.name},
        .uid = o->meta.uid,
        .is_warning = true,
        .reason = "Refused",
        .note = slice_of(note, len),
    };
    kube_write_event(w->config.client, &event);
}

/* ---- looking at everything ---- */

struct refusals {
    status_refusal_fn each;
    void *owner;
};

static void tell_refused(void *owner, const struct answer *one, const struct packed_resource *p)
{
    const struct refusals *to = owner;
    struct status_refusal refusal = {.resource = packed_resource_name_text(p->name),
                                     .text = slice_from_cstr(p->refusal)};
    if (one->sort == INVALIDATION_WORKLOAD) {
        refusal.namespace_name = one->target.namespace_name;
        refusal.workload = one->target.workload;
    }
    to->each(to->owner, &refusal);
}

static void tell_refusals(const void *cache, status_refusal_fn each, void *owner)
{
    compile_cache_each_refused(cache, tell_refused, &(struct refusals){each, owner});
}

static void run_compute(struct timer *t)
{
    struct status_writer *w = container_of(t, struct status_writer, compute);
    const struct policy_store *store = object_store_store(w->config.world);
    if (!w->is_active || !store || !object_store_is_ready(w->config.world))
        return;
    if (w->config.is_busy(w->config.owner) &&
        loop_now_ms(w->config.loop) - w->asked_ms < PATIENCE_MS) {
        look_later(w, COMPUTE_MS);
        return;
    }
    w->asked_ms = 0;
    struct status_inputs in = {
        .set = object_store_set(w->config.world),
        .store = store,
        .now_ms = clock_wall_ms(),
        .gateway = w->config.gateway,
        .owner = w->config.owner,
        .refusals = tell_refusals,
        .refusal_source = w->config.cache,
    };
    w->round++;
    status_compute(&in, emit, w);
    clean(w);
    policy_store_each_refused(store, tell_refusal, w);
    if (!list_is_empty(&w->queue) && !timer_is_running(&w->pump))
        timer_start(&w->pump, 0);
}

static void drop_all(struct status_writer *w)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&w->writes, &at, &key, &value);)
        free_write(value);
    map_dispose(&w->writes);
    map_init(&w->writes);
}

void status_writer_set_active(struct status_writer *w, bool is_active)
{
    if (w->is_active && !is_active) {
        timer_stop(&w->compute);
        timer_stop(&w->pump);
        drop_all(w);
    }
    w->is_active = is_active;
    look_later(w, COMPUTE_MS);
}

struct status_writer *status_writer_open(const struct status_writer_config *config)
{
    struct status_writer *w = mem_zalloc(sizeof *w);
    w->config = *config;
    map_init(&w->writes);
    map_init(&w->told);
    list_init(&w->queue);
    timer_init(&w->compute, config->loop, run_compute);
    timer_init(&w->pump, config->loop, run_pump);
    return w;
}

void status_writer_close(struct status_writer *w)
{
    timer_stop(&w->compute);
    timer_stop(&w->pump);
    drop_all(w);
    map_dispose(&w->writes);
    map_dispose(&w->told);
    mem_free(w);
}

uint64_t status_writer_count(const struct status_writer *w)
{
    return w->count;
}
