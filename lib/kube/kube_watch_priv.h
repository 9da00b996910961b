/* A watch as its files share it: kube_watch.c (its life, lists, when to try again) and
 * kube_watch_events.c (what a watch answer says). On the client's loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/rand.h"
#include "lib/codec/doc/json_items.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_watch.h"

#define KUBE_VERSION_MAX 64

enum kube_watch_phase { KUBE_WATCH_LISTING, KUBE_WATCH_WATCHING, KUBE_WATCH_WAITING };

struct kube_watch {
    struct kube_client *client;
    struct loop *loop;
    char *path, *selectors;
    struct kube_watch_events events;
    void *owner;
    struct timer timer;
    struct loop_task grave;
    struct kube_request *request;
    struct json_items *items;
    struct arena arena; /* of one object */
    struct rand_state rand;
    enum kube_watch_phase phase;
    uint32_t page, delay_ms;
    uint64_t began_ms;
    char *next_page;                    /* the list goes on there; escaped */
    char version[KUBE_VERSION_MAX + 1]; /* what was seen last; empty: a list is needed */
    unsigned failure;                   /* the code of an ERROR event of this answer */
    char *failure_text;
    enum err broken; /* of the text of this answer */
    bool synced, was_synced, heard, whole_list, closed;
};

/* One event of a watch answer; json_items' function. */
void kube_watch_take_event(void *owner, struct slice text);
/* Parsed into w->arena; NULL (and told in the log) when it cannot be. */
const struct doc *kube_watch_parse(struct kube_watch *w, struct slice text);
/* metadata.resourceVersion, when it is one. */
void kube_watch_note_version(struct kube_watch *w, const struct doc *object);
