/* One holder at a time: whoever writes its name into the Lease, while the one before has not
 * renewed it for as long as it said. A holder counts from when it sent its last renewal, the others
 * from when they saw it, so the holder always stops first. On the client's loop. Must not know what
 * the leader does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_lease.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_client_priv.h"
#include "lib/kube/kube_lease_priv.h"
#include "lib/kube/kube_write_priv.h"

enum {
    DURATION_MS = 15000,
    DURATION_MIN_MS = 1000,
    MARGIN = 5, /* a fifth */
    FAILURE_MAX_MS = 30000,
};

static void ask(struct kube_lease *l);
static void write_lease(struct kube_lease *l, bool is_new, bool release);

static uint64_t now_ms(void)
{
    return clock_mono_ns() / 1000000;
}

static void set_leads(struct kube_lease *l, bool leads)
{
    bool before = l->leads;
    l->leads = leads;
    if (!leads)
        timer_stop(&l->expiry);
    if (before != leads && !l->closing)
        l->changed(l->owner, leads);
}

bool kube_lease_is_held(const struct kube_lease *l)
{
    return l->leads && !l->closing && now_ms() < l->until_ms;
}

static void on_expiry(struct timer *timer)
{
    struct kube_lease *l = container_of(timer, struct kube_lease, expiry);
    LOG_W("kube", "lease %s/%s: not renewed in time, given up", l->namespace_name, l->name);
    set_leads(l, false);
}

/* ---- the end */

static void free_lease(struct loop_task *task)
{
    struct kube_lease *l = container_of(task, struct kube_lease, task);
    mem_free(l->namespace_name);
    mem_free(l->name);
    mem_free(l->holder);
    mem_free(l);
}

static void run_end(struct loop_task *task)
{
    struct kube_lease *l = container_of(task, struct kube_lease, task);
    loop_task_init(&l->task, free_lease);
    loop_bury(l->loop, &l->task);
    if (l->closed)
        l->closed(l->closed_owner);
}

static void end(struct kube_lease *l)
{
    timer_stop(&l->next);
    timer_stop(&l->expiry);
    loop_run_soon(l->loop, &l->task);
}

static void on_drop(void *owner)
{
    struct kube_lease *l = owner;
    l->request = NULL;
    if (l->closing)
        end(l);
}

/* ---- asking and writing */

/* A part of the renewal interval, and up to as much again, so that candidates do not keep step. */
static void ask_later(struct kube_lease *l, uint32_t part)
{
    uint32_t ms = l->renew_ms / part;
    if (l->closing)
        return;
    timer_start(&l->next, ms + rand_below(&l->rand, ms / 2 + 1));
}

/* The holder has not much time; the others have. The first failure may be followed at once. */
static void ask_after_failure(struct kube_lease *l)
{
    if (l->leads) {
        ask_later(l, 4);
        return;
    }
    if (!l->closing)
        timer_start(&l->next,
                    backoff_delay(l->failures++, l->renew_ms / 4, FAILURE_MAX_MS, &l->rand));
}

static void on_next(struct timer *timer)
{
    struct kube_lease *l = container_of(timer, struct kube_lease, next);
    if (l->request)
        return;
    if (l->leads)
        write_lease(l, false, false);
    else
        ask(l);
}

static void hold(struct kube_lease *l)
{
    uint64_t good_for = l->duration_ms - l->duration_ms / MARGIN, now = now_ms();
    l->until_ms = l->sent_ms + good_for;
    l->failures = l->races = 0;
    if (l->until_ms <= now) {
        /* The answer took longer than what it says is good for. */
        set_leads(l, false);
        ask_later(l, 4);
        return;
    }
    timer_start(&l->expiry, l->until_ms - now);
    timer_start(&l->next, l->renew_ms);
    set_leads(l, true);
}

static bool take_record(struct kube_lease *l, const struct kube_result *result)
{
    struct kube_lease_record seen;
    if (!kube_lease_record_read(l, result->body, &seen))
        return false;
    if (strcmp(seen.version, l->record.version) != 0)
        l->seen_ms = now_ms();
    l->record = seen;
    return true;
}

static void on_written(void *owner, const struct kube_result *result)
{
    struct kube_lease *l = owner;
    bool ok = result->status >= 200 && result->status < 300;
    l->request = NULL;
    if (l->releasing) {
        end(l);
        return;
    }
    if (ok && take_record(l, result)) {
        if (l->closing)
            write_lease(l, false, true);
        else
            hold(l);
        return;
    }
    if (l->closing) {
        end(l);
        return;
    }
    bool is_race = result->status == 409 || (result->status == 404 && !l->creating);
    if (is_race && l->races++ == 0) {
        ask(l);
        return;
    }
    LOG_W("kube", "lease %s/%s: %.*s", l->namespace_name, l->name, SLICE_ARG(result->detail));
    ask_after_failure(l);
}

static void write_lease(struct kube_lease *l, bool is_new, bool release)
{
    struct kube_ref ref = kube_lease_ref(l);
    char *path = kube_write_path(&ref, !is_new, "");
    char *body = kube_lease_record_write(l, is_new, release);
    struct kube_call call = {
        .method = is_new ? "POST" : "PUT",
        .path = slice_from_cstr(path),
        .body = slice_from_cstr(body),
        .timeout_ms = l->renew_ms,
    };
    l->releasing = release;
    l->creating = is_new;
    l->sent_ms = now_ms();
    l->request = kube_client_send(l->client, &call, on_written, l);
    kube_request_on_drop(l->request, on_drop);
    mem_free(path);
    mem_free(body);
}

/* Somebody's lease: ours to take when it is free, or was not renewed while we looked on. */
static void consider(struct kube_lease *l)
{
    uint64_t waited = now_ms() - l->seen_ms;
    if (!l->record.is_ours && !l->record.is_free) {
        set_leads(l, false);
        l->failures = l->races = 0;
        if (waited < l->record.duration_ms) {
            ask_later(l, 4);
            return;
        }
    }
    /* Whom that was told may have closed us. */
    if (!l->closing)
        write_lease(l, false, false);
}

static void on_asked(void *owner, const struct kube_result *result)
{
    struct kube_lease *l = owner;
    l->request = NULL;
    if (l->closing) {
        end(l);
    } else if (result->status == 404) {
        l->record = (struct kube_lease_record){0};
        write_lease(l, true, false);
    } else if (result->status == 200 && take_record(l, result)) {
        consider(l);
    } else {
        LOG_W("kube", "lease %s/%s: %.*s", l->namespace_name, l->name, SLICE_ARG(result->detail));
        ask_after_failure(l);
    }
}

static void ask(struct kube_lease *l)
{
    struct kube_ref ref = kube_lease_ref(l);
    char *path = kube_write_path(&ref, true, "");
    struct kube_call call = {
        .method = "GET", .path = slice_from_cstr(path), .timeout_ms = l->renew_ms};
    l->request = kube_client_send(l->client, &call, on_asked, l);
    kube_request_on_drop(l->request, on_drop);
    mem_free(path);
}

/* ---- life */

char *kube_lease_own_name(void)
{
    const char *pod = getenv("POD_NAME");
    char host[128] = "";
    uint32_t unique;
    if (pod && *pod)
        return mem_strdup(pod);
    rand_secure(&unique, sizeof(unique));
    if (gethostname(host, sizeof(host) - 1))
        host[0] = 0;
    return mem_printf("%s-%08x", host[0] ? host : "weft", unique);
}

static char *copy(struct slice s)
{
    return mem_strndup(s.ptr ? s.ptr : "", s.len);
}

struct kube_lease *kube_lease_open(struct kube_client *c, const struct kube_lease_config *config,
                                   kube_lease_fn changed, void *owner)
{
    struct kube_lease *l = mem_zalloc(sizeof(*l));
    uint32_t duration = config->duration_ms ? config->duration_ms : DURATION_MS;
    uint64_t seed;
    rand_secure(&seed, sizeof(seed));
    rand_seed(&l->rand, seed);
    l->client = c;
    l->loop = c->loop;
    l->namespace_name = copy(config->namespace_name);
    l->name = copy(config->name);
    l->holder = copy(config->holder);
    l->duration_ms = duration < DURATION_MIN_MS ? DURATION_MIN_MS : duration;
    l->renew_ms = config->renew_ms ? config->renew_ms : l->duration_ms / 3;
    if (l->renew_ms > l->duration_ms / 2)
        l->renew_ms = l->duration_ms / 2;
    l->changed = changed;
    l->owner = owner;
    timer_init(&l->next, l->loop, on_next);
    timer_init(&l->expiry, l->loop, on_expiry);
    loop_task_init(&l->task, run_end);
    ask(l);
    return l;
}

void kube_lease_close(struct kube_lease *l, void (*done)(void *owner), void *owner)
{
    bool led = l->leads;
    l->closing = true;
    l->closed = done;
    l->closed_owner = owner;
    set_leads(l, false);
    timer_stop(&l->next);
    /* What is under way may make us the holder yet: its answer says. */
    if (l->request)
        return;
    if (led)
        write_lease(l, false, true);
    else
        end(l);
}
