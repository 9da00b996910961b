/* The in-memory API server as its files share it: fake_kube.c (requests) and fake_kube_store.c
 * (objects and what changes them).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/codec/doc/doc.h"

enum { FAKE_KUBE_OBJECTS = 400, FAKE_KUBE_EVENTS = 4000 };

struct fake_kube_object {
    char *path;
    const struct doc *root; /* NULL: deleted */
};

/* In the order of versions, which count from 1. */
struct fake_kube_event {
    const char *type; /* "ADDED" */
    const char *path;
    const struct doc *root;
};

struct fake_kube_store {
    struct arena arena; /* everything, until the end */
    struct fake_kube_object objects[FAKE_KUBE_OBJECTS];
    size_t count;
    struct fake_kube_event events[FAKE_KUBE_EVENTS];
    size_t version; /* of the last event */
};

/* NULL: nothing lies there. */
const struct doc *fake_kube_store_get(const struct fake_kube_store *s, struct slice path);
/* Gives it version, uid and generation; the generation counts when more than the status differs. */
const struct doc *fake_kube_store_put(struct fake_kube_store *s, struct slice path,
                                      const struct doc *root);
void fake_kube_store_remove(struct fake_kube_store *s, struct slice path);
/* The object lies in that collection ("/api/v1/pods", of one namespace or of all), and the query's
 * fieldSelector and labelSelector (equal or not equal, all of them) choose it. */
bool fake_kube_store_matches(struct slice collection, struct slice query, struct slice path,
                             const struct doc *root);

/* RFC 7396 and RFC 6902 (test, add, replace). The latter is NULL when a test fails. */
const struct doc *fake_kube_store_merge(struct arena *a, const struct doc *to,
                                        const struct doc *patch);
const struct doc *fake_kube_store_patch(struct arena *a, const struct doc *to,
                                        const struct doc *steps);
