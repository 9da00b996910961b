/* Secret in, CA out; CA made, Secret written, and then seen like anybody else's. A Secret that is
 * not usable changes nothing: what was in use stays, with an Event that says why. One that was
 * deleted is written again. On certd's only thread. Must not know who uses the CA.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_keeper.h"

#include "certd/ca_secret.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_watch.h"
#include "lib/kube/kube_write.h"
#include "lib/tls/digest.h"

/* How long the watch may take to show what was written before it is looked at again. */
enum { SETTLE_MS = 5000, LOOK_AGAIN_MS = 30000, RETRY_MIN_MS = 500, RETRY_MAX_MS = 30000 };

struct ca_keeper {
    struct kube_client *client;
    struct ca_keeper_config config;
    char *where, *path;
    struct kube_watch *watch;
    struct kube_request *writing;
    struct timer again;
    struct rand_state random;
    unsigned failures;
    /* The Secret as it was seen last. */
    struct ca_material material;
    char *resource_version; /* NULL: there is none */
    char *uid;
    bool is_synced, seen_in_list;
    bool is_fresh;      /* not handed on yet */
    bool is_unsaved;    /* the material has parts that the Secret has not, as far as we know */
    bool is_unreadable; /* what the Secret holds is not the material: hands off */
    ca_keeper_fn changed;
    void *owner;
};

/* ---- writing */

static void decide(struct ca_keeper *k);

static void on_written(void *owner, const struct kube_result *result)
{
    struct ca_keeper *k = owner;
    k->writing = NULL;
    if (result->status / 100 == 2 || result->status == 409) {
        /* Ours or another replica's: the watch will show it. */
        if (result->status == 409)
            LOG_I("ca", "%s: another replica was faster", k->where);
        else
            LOG_I("ca", "%s: written", k->where);
        k->failures = 0;
        timer_start(&k->again, SETTLE_MS);
        /* Or it did so already: events overtake answers. */
        if (!k->is_unsaved && k->resource_version)
            decide(k);
        return;
    }
    LOG_E("ca", "%s: cannot be written: %u %.*s", k->where, result->status,
          SLICE_ARG(result->detail));
    timer_start(&k->again, backoff_delay(k->failures++, RETRY_MIN_MS, RETRY_MAX_MS, &k->random));
}

static void write_secret(struct ca_keeper *k)
{
    struct buf body;
    size_t len;
    struct slice name = SLICE(CA_KEEPER_SECRET);
    bool exists = k->resource_version;
    buf_init(&body);
    if (exists)
        ca_secret_write_patch(slice_from_cstr(k->resource_version), &k->material, &body);
    else
        ca_secret_write(k->config.namespace_name, name, &k->material, &body);
    char *path =
        mem_printf("%s%s", k->path, exists ? "/" CA_KEEPER_SECRET : "?fieldManager=weft-certd");
    char *text = buf_take_text(&body, &len);
    struct kube_call call = {
        .method = exists ? "PATCH" : "POST",
        .path = slice_from_cstr(path),
        .body = slice_of(text, len),
        .content_type = exists ? "application/merge-patch+json" : NULL,
    };
    k->writing = kube_client_send(k->client, &call, on_written, k);
    digest_wipe(text, len);
    mem_free(text);
    mem_free(path);
}

/* ---- deciding */

static void report(struct ca_keeper *k, const char *why)
{
    LOG_E("ca", "%s: not usable, what was in use stays: %s", k->where, why);
    struct kube_event event = {
        .kind = "Secret",
        .about = {"v1", "secrets", k->config.namespace_name, SLICE(CA_KEEPER_SECRET)},
        .uid = slice_from_cstr(k->uid),
        .is_warning = true,
        .reason = "Refused",
        .note = slice_from_cstr(why),
    };
    if (k->uid)
        kube_write_event(k->client, &event);
}

/* Makes what is missing or due, or hands on what is good. */
static void decide(struct ca_keeper *k)
{
    char why[CA_DETAIL_MAX];
    unsigned made;
    struct ca ca;
    struct ca_config config = {k->where, k->config.trust_domain, k->config.root_ttl_ms,
                               k->config.intermediate_ttl_ms};
    if (k->writing || !k->is_synced || k->is_unreadable)
        return;
    timer_start(&k->again, LOOK_AGAIN_MS);
    if (ca_settle(&config, clock_wall_ms(), &k->material, &made, &ca, why)) {
        if (k->is_fresh)
            report(k, why);
        k->is_fresh = false;
        return;
    }
    if (made || k->is_unsaved || !k->resource_version) {
        k->is_unsaved = true;
        ca_close(&ca);
        write_secret(k);
    } else if (k->is_fresh) {
        k->is_fresh = false;
        k->changed(k->owner, &ca);
    } else {
        ca_close(&ca);
    }
}

static void on_again(struct timer *t)
{
    decide(container_of(t, struct ca_keeper, again));
}

/* ---- the Secret */

static char *copy_at(const struct doc *object, const char *path)
{
    struct slice s = doc_string(doc_find(object, path));
    return mem_strndup(s.ptr ? s.ptr : "", s.len);
}

static void on_begin(void *owner)
{
    ((struct ca_keeper *)owner)->seen_in_list = false;
}

static void on_put(void *owner, const struct doc *object)
{
    struct ca_keeper *k = owner;
    char why[CA_DETAIL_MAX];
    struct ca_material fresh;
    struct slice version = doc_string(doc_find(object, "metadata.resourceVersion"));
    k->seen_in_list = true;
    if (k->resource_version && slice_eq_cstr(version, k->resource_version))
        return;
    mem_free(k->resource_version);
    mem_free(k->uid);
    k->resource_version = copy_at(object, "metadata.resourceVersion");
    k->uid = copy_at(object, "metadata.uid");
    k->is_unreadable = ca_secret_read(object, &fresh, why) != ERR_OK;
    if (k->is_unreadable) {
        /* The material of before stays, and is not written over what somebody put there. */
        report(k, why);
        return;
    }
    ca_material_dispose(&k->material);
    k->material = fresh;
    k->is_fresh = true;
    k->is_unsaved = false;
    decide(k);
}

static void forget(struct ca_keeper *k)
{
    if (!k->resource_version)
        return;
    LOG_W("ca", "%s was deleted: it is written again, as it was", k->where);
    mem_free(k->resource_version);
    mem_free(k->uid);
    k->resource_version = k->uid = NULL;
    k->is_unreadable = false;
}

static void on_delete(void *owner, const struct doc *object)
{
    (void)object;
    forget(owner);
    decide(owner);
}

static void on_synced(void *owner)
{
    struct ca_keeper *k = owner;
    k->is_synced = true;
    if (!k->seen_in_list)
        forget(k);
    decide(k);
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    const struct ca_keeper *k = owner;
    LOG_W("ca", "%s cannot be watched: %u %.*s", k->where, status, SLICE_ARG(detail));
}

/* ---- life */

struct ca_keeper *ca_keeper_open(struct loop *l, struct kube_client *client,
                                 const struct ca_keeper_config *config, ca_keeper_fn changed,
                                 void *owner)
{
    static const struct kube_watch_events events = {on_begin, on_put, on_delete, on_synced,
                                                    on_trouble};
    struct ca_keeper *k = mem_zalloc(sizeof(*k));
    k->client = client;
    k->config = *config;
    k->changed = changed;
    k->owner = owner;
    rand_seed(&k->random, clock_mono_ns());
    timer_init(&k->again, l, on_again);
    k->where = mem_printf("Secret %.*s/%s", SLICE_ARG(config->namespace_name), CA_KEEPER_SECRET);
    k->path = mem_printf("/api/v1/namespaces/%.*s/secrets", SLICE_ARG(config->namespace_name));
    struct kube_watch_config watch = {
        .path = k->path, .selectors = SLICE("fieldSelector=metadata.name%3D" CA_KEEPER_SECRET)};
    k->watch = kube_watch_open(client, &watch, &events, k);
    return k;
}

void ca_keeper_close(struct ca_keeper *k)
{
    if (!k)
        return;
    kube_watch_close(k->watch);
    if (k->writing)
        kube_request_cancel(k->writing);
    timer_stop(&k->again);
    ca_material_dispose(&k->material);
    mem_free(k->resource_version);
    mem_free(k->uid);
    mem_free(k->path);
    mem_free(k->where);
    mem_free(k);
}
