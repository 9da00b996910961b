/* What controllers write: objects by server-side apply, status by patch, Events. Each is a call of
 * kube_client with the right path, content type and query. On the client's loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/kube/kube_client.h"

/* An object's place; cluster-scoped: namespace_name is empty. */
struct kube_ref {
    const char *api_version; /* "gateway.networking.k8s.io/v1" */
    const char *plural;      /* "gateways" */
    struct slice namespace_name, name;
};

/* Owns all fields that the JSON names (field manager "weft", forced). */
struct kube_request *kube_write_apply(struct kube_client *c, const struct kube_ref *ref,
                                      struct slice json, kube_done_fn done, void *owner);
/* status: the new value of .status, JSON. resource_version: of the object that it was made from;
 * 409 in the result when that has changed; empty: whatever. */
struct kube_request *kube_write_status(struct kube_client *c, const struct kube_ref *ref,
                                       struct slice resource_version, struct slice status,
                                       kube_done_fn done, void *owner);
struct kube_request *kube_write_delete(struct kube_client *c, const struct kube_ref *ref,
                                       kube_done_fn done, void *owner);

struct kube_event {
    const char *kind; /* of what it is about */
    struct kube_ref about;
    struct slice uid;
    bool is_warning;
    const char *reason; /* "Refused", CamelCase */
    struct slice note;
    /* What makes it the same as another, where notes differ in what does not matter (numbers of a
     * quota, versions); NULL: the note. */
    const char *cause;
};
/* events.k8s.io/v1; nobody hears whether it arrived. Equal ones are not sent again as long as the
 * API server keeps them, an hour. */
void kube_write_event(struct kube_client *c, const struct kube_event *e);
