/* A watch of one ConfigMap, by its name. That it is not there, or may not be read, is said once in
 * the log and changes nothing. On the client's loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_entry.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_path.h"
#include "lib/kube/kube_watch.h"

struct kube_entry {
    struct kube_watch *watch;
    char *where, *entry;
    kube_entry_fn changed;
    void *owner;
    unsigned trouble; /* the last one's status and 1; 0: none */
};

static void on_put(void *owner, const struct doc *object)
{
    struct kube_entry *e = owner;
    const struct doc *text = doc_get(doc_get(object, SLICE("data")), slice_from_cstr(e->entry));
    e->trouble = 0;
    if (text && text->type == DOC_STRING)
        e->changed(e->owner, doc_string(text));
}

static void on_delete(void *owner, const struct doc *object)
{
    (void)owner, (void)object;
}

static void on_synced(void *owner)
{
    ((struct kube_entry *)owner)->trouble = 0;
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    struct kube_entry *e = owner;
    if (e->trouble != status + 1)
        LOG_W("kube", "%s cannot be watched: %u %.*s", e->where, status, SLICE_ARG(detail));
    e->trouble = status + 1;
}

struct kube_entry *kube_entry_open(struct kube_client *c, struct slice namespace_name,
                                   const char *config_map, const char *entry, kube_entry_fn changed,
                                   void *owner)
{
    static const struct kube_watch_events events = {.on_put = on_put,
                                                    .on_delete = on_delete,
                                                    .on_synced = on_synced,
                                                    .on_trouble = on_trouble};
    struct kube_entry *e = mem_zalloc(sizeof(*e));
    char *space = kube_path_escape(namespace_name);
    char *path = mem_printf("/api/v1/namespaces/%s/configmaps", space);
    char *selector = mem_printf("fieldSelector=metadata.name%%3D%s", config_map);
    struct kube_watch_config config = {.path = path, .selectors = slice_from_cstr(selector)};
    e->where = mem_printf("ConfigMap %.*s/%s", SLICE_ARG(namespace_name), config_map);
    e->entry = mem_strdup(entry);
    e->changed = changed;
    e->owner = owner;
    e->watch = kube_watch_open(c, &config, &events, e);
    mem_free(selector);
    mem_free(path);
    mem_free(space);
    return e;
}

void kube_entry_close(struct kube_entry *e)
{
    if (!e)
        return;
    kube_watch_close(e->watch);
    mem_free(e->where);
    mem_free(e->entry);
    mem_free(e);
}
