/* Everything of one kind, as it is and as it changes: list, then watch from there, with bookmarks;
 * a new list after 410 Gone; back-off with jitter after failures. Objects come one at a time, so a
 * long list costs no more memory than its largest object. On the client's loop; closed before the
 * client is destroyed.
 *
 * The server leaves apiVersion and kind out of the objects of a list, but for those that CRDs
 * define: whoever watches knows them. An object that is no document (doc_json.h) is left out, with
 * a warning in the log.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/kube/kube_client.h"
#include "lib/codec/doc/doc.h"

struct kube_watch;

struct kube_watch_events {
    /* A list begins (the first, or again): what is not put before on_synced is gone. */
    void (*on_begin)(void *owner);
    /* Is there, new or changed. The document lives until the function returns. */
    void (*on_put)(void *owner, const struct doc *object);
    void (*on_delete)(void *owner, const struct doc *object);
    /* The list is complete. */
    void (*on_synced)(void *owner);
    /* Out of contact, and why; it goes on trying. `status` as in kube_result: 403 and 404 (a kind
     * that is not installed) are tried again slowly. May be NULL. */
    void (*on_trouble)(void *owner, unsigned status, struct slice detail);
};

struct kube_watch_config {
    const char *path; /* "/apis/gateway.networking.k8s.io/v1/gateways"; copied */
    struct slice
        selectors; /* "fieldSelector=type%3Dkubernetes.io/tls"; escaped, copied; or empty */
    uint32_t page; /* objects of one list answer; 0: 500 */
};

struct kube_watch *kube_watch_open(struct kube_client *c, const struct kube_watch_config *config,
                                   const struct kube_watch_events *events, void *owner);
void kube_watch_close(struct kube_watch *w);
/* on_synced was called, and no on_begin since. */
bool kube_watch_is_synced(const struct kube_watch *w);
