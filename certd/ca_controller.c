/* Secret in, CA out; CA made, Secret written, and then seen like anybody else's. A Secret that is
 * not usable changes nothing: what was in use stays, with an Event that says why. One that was
 * deleted is written again. On certd's only thread. Must not know who uses the CA, nor who leads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_controller.h"

#include "certd/ca_secret.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_pace.h"
#include "lib/kube/kube_watch.h"
#include "lib/kube/kube_write.h"
#include "lib/tls/digest.h"

enum {
    SETTLE_MS = 5000, /* how long the watch may take to show what was written */
    LOOK_AGAIN_MS = 30000,
    STANDBY_MS = 2000, /* what the leader does not put back, others do who have it in mind */
    GRACE_MS = 5000,   /* before a root is made for a cluster that had one: somebody may have it */
};

struct ca_controller {
    struct kube_client *client;
    struct ca_controller_config config;
    char *where, *path;
    struct kube_watch *watch;
    struct kube_request *writing;
    struct loop *loop;
    struct timer again;
    struct kube_pace pace;
    /* The Secret as it was seen last. */
    struct ca_material material;
    char *resource_version; /* NULL: there is none */
    char *uid;
    struct ca_secret_note note;      /* as it is on the Secret */
    struct ca_secret_note note_due;  /* is to be put there */
    uint64_t missing_ms;             /* since when there is no Secret */
    uint64_t restored;
    bool is_synced, seen_in_list, is_active;
    bool is_judged;  /* against what was published */
    bool was_deleted; /* while we ran */
    bool is_fresh;      /* not handed on yet */
    bool is_unsaved;    /* the material has parts that the Secret has not, as far as we know */
    bool is_unreadable; /* what the Secret holds is not the material: hands off */
    ca_controller_fn changed;
    void *owner;
};

/* ---- writing */

static void decide(struct ca_controller *k);

static void look_in(struct ca_controller *k, uint64_t delay_ms)
{
    uint64_t wait_ms = kube_pace_wait_ms(&k->pace);
    timer_start(&k->again, wait_ms > delay_ms ? wait_ms : delay_ms);
}

static void on_written(void *owner, const struct kube_result *result)
{
    struct ca_controller *k = owner;
    k->writing = NULL;
    bool ok = kube_pace_take(&k->pace, result);
    if (ok || result->status == 409) {
        /* Ours or another replica's: the watch will show it. */
        if (!ok)
            LOG_I("ca", "%s: another replica was faster", k->where);
        else
            LOG_I("ca", "%s: written", k->where);
        look_in(k, SETTLE_MS);
        /* Or it did so already: events overtake answers. */
        if (!k->is_unsaved && k->resource_version)
            decide(k);
        return;
    }
    look_in(k, 0);
    LOG_E("ca", "%s: cannot be written: %u %.*s; next try in %lu ms", k->where, result->status,
          SLICE_ARG(result->detail), (unsigned long)kube_pace_wait_ms(&k->pace));
}

static void write_secret(struct ca_controller *k)
{
    struct buf body;
    size_t len;
    struct slice name = SLICE(CA_CONTROLLER_SECRET);
    bool exists = k->resource_version;
    if (kube_pace_wait_ms(&k->pace)) {
        look_in(k, 0);
        return;
    }
    buf_init(&body);
    if (exists)
        ca_secret_write_patch(slice_from_cstr(k->resource_version), &k->material, &k->note_due,
                              &body);
    else
        ca_secret_write(k->config.namespace_name, name, &k->material, &k->note_due, &body);
    char *path =
        mem_printf("%s%s", k->path, exists ? "/" CA_CONTROLLER_SECRET : "?fieldManager=weft-certd");
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

static void tell(const struct ca_controller *k, const char *reason, const char *note)
{
    struct kube_event event = {
        .kind = "Secret",
        .about = {"v1", "secrets", k->config.namespace_name, SLICE(CA_CONTROLLER_SECRET)},
        .uid = slice_from_cstr(k->uid),
        .is_warning = true,
        .reason = reason,
        .note = slice_from_cstr(note),
        .cause = strcmp(reason, "Refused") == 0 ? NULL : reason,
    };
    /* One Event for all replicas; and the one that leads is the last to give up. */
    if (k->uid && k->is_active)
        kube_write_event(k->client, &event);
}

static void report(struct ca_controller *k, const char *why)
{
    LOG_E("ca", "%s: not usable, what was in use stays: %s", k->where, why);
    tell(k, "Refused", why);
}

/* ---- the alarm */

static void sound_alarm(struct ca_controller *k)
{
    bool is_new = strcmp(k->note.how, "reinstalled") == 0;
    char *text = mem_printf(
        "the root has nothing in common with what this cluster trusted before (%s): workloads get "
        "new certificates as they hear of it, and calls between old and new ones fail until then. "
        "To go back, restore the Secret from a backup. When all is well: kubectl -n %.*s annotate "
        "secret " CA_CONTROLLER_SECRET " " CA_SECRET_REPLACED "- " CA_SECRET_REPLACED_AT "-",
        k->note.how, SLICE_ARG(k->config.namespace_name));
    if (is_new)
        LOG_W("ca", "%s: %s", k->where, text);
    else
        LOG_E("ca", "%s: %s", k->where, text);
    tell(k, "RootReplaced", text);
    mem_free(text);
}

/* Once for each CA that the Secret has: before what is published says the same. */
static void judge(struct ca_controller *k)
{
    struct slice published;
    bool is_own;
    if (k->is_judged || !k->material.root_pem ||
        !k->config.published(k->config.owner, &published, &is_own))
        return;
    k->is_judged = true;
    if (!k->note.how && !k->note_due.how &&
        ca_is_another_mesh(published, slice_from_cstr(k->material.root_pem)))
        k->note_due = (struct ca_secret_note){is_own ? "replaced" : "reinstalled", clock_wall_ms()};
}

/* There is no Secret. Whoever leads makes it; but a cluster that had a root is not given another
 * one before everybody who may have it in mind had the time to put it back. */
static bool may_create(struct ca_controller *k)
{
    struct slice published;
    bool is_own;
    uint64_t missing_for = loop_now_ms(k->loop) - k->missing_ms;
    uint64_t patience = k->is_active ? 0 : STANDBY_MS;
    if (!k->material.root_pem) {
        if (!k->is_active || !k->config.published(k->config.owner, &published, &is_own))
            return false;
        if (published.len) {
            k->note_due =
                (struct ca_secret_note){is_own ? "lost" : "reinstalled", clock_wall_ms()};
            patience = is_own ? GRACE_MS : 0;
        }
        if (missing_for < patience)
            LOG_E("ca", "%s is gone, but this cluster has a trust bundle: a new root is made "
                        "unless it comes back in %d s",
                  k->where, GRACE_MS / 1000);
    }
    if (missing_for < patience)
        look_in(k, patience - missing_for);
    return missing_for >= patience;
}

/* Makes what is missing or due, or hands on what is good. */
static void decide(struct ca_controller *k)
{
    char why[CA_DETAIL_MAX];
    unsigned made;
    struct ca ca;
    struct ca_config config = {k->where, k->config.trust_domain, k->config.root_ttl_ms,
                               k->config.intermediate_ttl_ms};
    if (k->writing || !k->is_synced || k->is_unreadable)
        return;
    look_in(k, LOOK_AGAIN_MS);
    if (!k->resource_version && !may_create(k))
        return;
    if (ca_settle(&config, clock_wall_ms(), &k->material, &made, &ca, why)) {
        if (k->is_fresh)
            report(k, why);
        k->is_fresh = false;
        return;
    }
    judge(k);
    if (made || k->is_unsaved || !k->resource_version) {
        k->is_unsaved = true;
        ca_close(&ca);
        if (k->is_active || !k->resource_version)
            write_secret(k);
        return;
    }
    if (k->is_fresh) {
        k->is_fresh = false;
        k->changed(k->owner, &ca);
    } else {
        ca_close(&ca);
    }
    if (k->note_due.how && k->is_active)
        write_secret(k);
}

static void on_again(struct timer *t)
{
    decide(container_of(t, struct ca_controller, again));
}

/* ---- the Secret */

static char *copy_at(const struct doc *object, const char *path)
{
    struct slice s = doc_string(doc_find(object, path));
    return mem_strndup(s.ptr ? s.ptr : "", s.len);
}

static void on_begin(void *owner)
{
    ((struct ca_controller *)owner)->seen_in_list = false;
}

/* What became of the Secret while we looked, and what is noted on it. */
static void take_note(struct ca_controller *k, const struct doc *object)
{
    struct ca_secret_note before = k->note;
    ca_secret_read_note(object, &k->note);
    k->note_due = (struct ca_secret_note){0};
    if (k->note.how && (!before.how || before.at_ms != k->note.at_ms))
        sound_alarm(k);
    if (before.how && !k->note.how)
        LOG_I("ca", "%s: that its root was replaced is acknowledged", k->where);
    if (!k->was_deleted)
        return;
    k->was_deleted = false;
    if (!k->is_judged)
        return; /* another one than was deleted */
    k->restored++;
    LOG_E("ca", "%s was deleted and is there again, as it was: who deletes it?", k->where);
    tell(k, "SecretRestored",
         "the Secret was deleted, and is there again as it was. It holds the only key of the "
         "mesh's CA: keep a backup of it, and find out who deleted it");
}

static bool is_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static bool is_same_material(const struct ca_material *one, const struct ca_material *other)
{
    return is_same(one->root_pem, other->root_pem) && is_same(one->root_key, other->root_key) &&
           is_same(one->signer_pem, other->signer_pem) &&
           is_same(one->signer_key, other->signer_key) && is_same(one->version, other->version);
}

static void on_put(void *owner, const struct doc *object)
{
    struct ca_controller *k = owner;
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
    k->is_judged = is_same(k->material.root_pem, fresh.root_pem);
    /* What was made here is used only once it was seen there. */
    k->is_fresh |= k->is_unsaved || !is_same_material(&k->material, &fresh);
    k->is_unsaved = false;
    ca_material_dispose(&k->material);
    k->material = fresh;
    take_note(k, object);
    decide(k);
}

static void forget(struct ca_controller *k)
{
    if (!k->resource_version)
        return;
    LOG_E("ca", "%s was deleted: it is written again, as it was", k->where);
    k->was_deleted = true;
    k->missing_ms = loop_now_ms(k->loop);
    k->note_due = k->note;
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
    struct ca_controller *k = owner;
    k->is_synced = true;
    if (!k->seen_in_list)
        forget(k);
    decide(k);
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    const struct ca_controller *k = owner;
    LOG_W("ca", "%s cannot be watched: %u %.*s", k->where, status, SLICE_ARG(detail));
}

/* ---- life */

struct ca_controller *ca_controller_open(struct loop *l, struct kube_client *client,
                                         const struct ca_controller_config *config,
                                         ca_controller_fn changed, void *owner)
{
    static const struct kube_watch_events events = {on_begin, on_put, on_delete, on_synced,
                                                    on_trouble};
    struct ca_controller *k = mem_zalloc(sizeof(*k));
    k->client = client;
    k->config = *config;
    k->changed = changed;
    k->owner = owner;
    k->loop = l;
    k->missing_ms = loop_now_ms(l);
    timer_init(&k->again, l, on_again);
    kube_pace_init(&k->pace, l);
    k->where =
        mem_printf("Secret %.*s/%s", SLICE_ARG(config->namespace_name), CA_CONTROLLER_SECRET);
    k->path = mem_printf("/api/v1/namespaces/%.*s/secrets", SLICE_ARG(config->namespace_name));
    struct kube_watch_config watch = {
        .path = k->path, .selectors = SLICE("fieldSelector=metadata.name%3D" CA_CONTROLLER_SECRET)};
    k->watch = kube_watch_open(client, &watch, &events, k);
    return k;
}

void ca_controller_set_active(struct ca_controller *k, bool is_active)
{
    bool begins = is_active && !k->is_active;
    k->is_active = is_active;
    if (begins && k->note.how)
        sound_alarm(k);
    if (begins)
        decide(k);
}

void ca_controller_look(struct ca_controller *k)
{
    decide(k);
}

void ca_controller_read(const struct ca_controller *k, struct ca_controller_state *out)
{
    bool is_alarm = k->note.how && strcmp(k->note.how, "reinstalled") != 0;
    *out = (struct ca_controller_state){.replaced_ms = is_alarm ? k->note.at_ms : 0,
                                        .restored = k->restored};
    if (is_alarm && out->replaced_ms <= 0)
        out->replaced_ms = 1000; /* a note whose time somebody made unreadable */
}

void ca_controller_close(struct ca_controller *k)
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
