/* Events, as people see them with kubectl describe. Sent and forgotten; what was said a moment ago
 * is not said again, by a small memory in the client. On its loop. Must not know what they are
 * about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json_write.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/utf8.h"
#include "lib/kube/kube_client_priv.h"
#include "lib/kube/kube_time.h"
#include "lib/kube/kube_write_priv.h"

enum { QUIET_MS = 3600000, NOTE_MAX = 1024, NAME_MAX_LEN = 253, SUFFIX_LEN = 17, HOST_LEN = 128 };

static uint64_t mix(uint64_t hash, struct slice s)
{
    return (hash ^ slice_hash(s)) * 0x9e3779b97f4a7c15u + s.len;
}

static uint64_t hash_of(const struct kube_event *e)
{
    uint64_t hash = e->is_warning;
    hash = mix(hash, slice_from_cstr(e->kind));
    hash = mix(hash, e->about.namespace_name);
    hash = mix(hash, e->about.name);
    hash = mix(hash, e->uid);
    hash = mix(hash, slice_from_cstr(e->reason));
    return mix(hash, e->cause ? slice_from_cstr(e->cause) : e->note);
}

/* Remembers it in the place of an equal one, or else of the oldest. */
static bool was_said(struct kube_client *c, uint64_t hash)
{
    uint64_t now = loop_now_ms(c->loop);
    struct kube_seen *oldest = &c->seen[0];
    for (size_t i = 0; i < KUBE_EVENTS_SEEN; i++) {
        struct kube_seen *s = &c->seen[i];
        if (s->hash == hash && s->until_ms > now)
            return true;
        if (s->until_ms < oldest->until_ms)
            oldest = s;
    }
    *oldest = (struct kube_seen){hash, now + QUIET_MS};
    return false;
}

/* The server refuses longer ones; cut between characters. */
static struct slice cut_note(struct slice note)
{
    size_t len = 0;
    if (note.len <= NOTE_MAX)
        return note;
    for (;;) {
        size_t n = utf8_front(slice_sub(note, len, note.len));
        n = n ? n : 1;
        if (len + n > NOTE_MAX)
            return slice_sub(note, 0, len);
        len += n;
    }
}

static void write_about(struct json_write *w, const struct kube_event *e)
{
    json_write_key(w, "regarding");
    json_write_object(w);
    json_write_field(w, "apiVersion", slice_from_cstr(e->about.api_version));
    json_write_field(w, "kind", slice_from_cstr(e->kind));
    if (e->about.namespace_name.len)
        json_write_field(w, "namespace", e->about.namespace_name);
    json_write_field(w, "name", e->about.name);
    if (e->uid.len)
        json_write_field(w, "uid", e->uid);
    json_write_object_end(w);
}

static void write_event(struct json_write *w, const struct kube_event *e, struct slice space)
{
    char when[KUBE_TIME_TEXT_MAX], host[HOST_LEN] = "";
    uint64_t unique;
    rand_secure(&unique, sizeof(unique));
    if (gethostname(host, sizeof(host) - 1) || !host[0])
        memcpy(host, "unknown", sizeof("unknown"));
    struct slice about = slice_sub(e->about.name, 0, NAME_MAX_LEN - SUFFIX_LEN);
    while (about.len && strchr("-.", about.ptr[about.len - 1]))
        about.len--; /* no part of a name ends so */
    char *name = mem_printf("%.*s.%016llx", SLICE_ARG(about), (unsigned long long)unique);
    json_write_object(w);
    json_write_field(w, "apiVersion", SLICE("events.k8s.io/v1"));
    json_write_field(w, "kind", SLICE("Event"));
    json_write_key(w, "metadata");
    json_write_object(w);
    json_write_field(w, "namespace", space);
    json_write_field(w, "name", slice_from_cstr(name));
    json_write_object_end(w);
    json_write_field(w, "eventTime", slice_from_cstr(kube_time_text(clock_wall_ms(), when)));
    json_write_field(w, "reportingController", SLICE("policy.weft.dev/weft"));
    json_write_field(w, "reportingInstance", slice_from_cstr(host));
    json_write_field(w, "action", SLICE("Reconcile"));
    json_write_field(w, "type", e->is_warning ? SLICE("Warning") : SLICE("Normal"));
    json_write_field(w, "reason", slice_from_cstr(e->reason));
    json_write_field(w, "note", cut_note(e->note));
    write_about(w, e);
    json_write_object_end(w);
    mem_free(name);
}

static void on_done(void *owner, const struct kube_result *result)
{
    (void)owner;
    if (result->status < 200 || result->status >= 300)
        LOG_D("kube", "an Event was not taken: %.*s", SLICE_ARG(result->detail));
}

void kube_write_event(struct kube_client *c, const struct kube_event *e)
{
    struct slice space = e->about.namespace_name;
    struct buf out;
    struct json_write w;
    if (was_said(c, hash_of(e)))
        return;
    /* Events of what has no namespace lie in this one. */
    if (!space.len)
        space = SLICE("default");
    buf_init(&out);
    json_write_init(&w, &out);
    write_event(&w, e, space);
    char *body = buf_take_text(&out, NULL);
    struct kube_ref ref = {"events.k8s.io/v1", "events", space, {NULL, 0}};
    char *path = kube_write_path(&ref, false, "");
    struct kube_call call = {
        .method = "POST", .path = slice_from_cstr(path), .body = slice_from_cstr(body)};
    kube_client_send(c, &call, on_done, NULL);
    mem_free(body);
    mem_free(path);
}
