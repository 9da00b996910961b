/* What the events of a watch mean (API concepts, "Efficient detection of changes"). Owned by the
 * watch, on its loop. Must not know when to ask again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/kube/kube_watch_priv.h"

const struct doc *kube_watch_parse(struct kube_watch *w, struct slice text)
{
    const struct doc *d;
    struct doc_error error;
    arena_reset(&w->arena);
    if (doc_json_parse(text, &w->arena, &d, &error) == ERR_OK)
        return d;
    /* One object that nobody can read must not keep everyone else's from being seen. */
    LOG_W("kube", "%s: an object cannot be read and is left out: %s", w->path, error.text);
    return NULL;
}

/* It is opaque, but it goes into a URL. */
static bool is_version(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '-' && c != '_' && c != '.')
            return false;
    }
    return s.len > 0 && s.len <= KUBE_VERSION_MAX;
}

void kube_watch_note_version(struct kube_watch *w, const struct doc *object)
{
    struct slice version = doc_string(doc_find(object, "metadata.resourceVersion"));
    if (!is_version(version))
        return;
    memcpy(w->version, version.ptr, version.len);
    w->version[version.len] = '\0';
}

static void take_error(struct kube_watch *w, const struct doc *status)
{
    const struct doc *code = doc_get(status, SLICE("code"));
    struct slice message = doc_string(doc_get(status, SLICE("message")));
    w->failure = code && code->type == DOC_INT && code->integer >= 400 && code->integer < 600
                     ? (unsigned)code->integer
                     : 500;
    mem_free(w->failure_text);
    w->failure_text = mem_printf("the watch was ended: %.*s", SLICE_ARG(message));
}

void kube_watch_take_event(void *owner, struct slice text)
{
    struct kube_watch *w = owner;
    if (w->closed || w->failure)
        return;
    const struct doc *event = kube_watch_parse(w, text);
    struct slice type = doc_string(doc_get(event, SLICE("type")));
    const struct doc *object = doc_get(event, SLICE("object"));
    if (!object || object->type != DOC_OBJECT)
        return;
    if (slice_eq(type, SLICE("ERROR"))) {
        take_error(w, object);
        return;
    }
    /* Noted first: the owner may close the watch. */
    w->heard = true;
    kube_watch_note_version(w, object);
    if (slice_eq(type, SLICE("ADDED")) || slice_eq(type, SLICE("MODIFIED")))
        w->events.on_put(w->owner, object);
    else if (slice_eq(type, SLICE("DELETED")))
        w->events.on_delete(w->owner, object);
}
