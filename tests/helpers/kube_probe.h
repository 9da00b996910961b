/* What the verbs of weft-kube-probe share.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "lib/io/loop.h"
#include "lib/kube/kube_lease.h"
#include "lib/kube/kube_watch.h"

struct probe {
    int argc;
    char **argv;
    struct loop *loop;
    struct kube_client *client;
    struct kube_watch *watch;
    struct kube_lease *lease;
    size_t count;
    bool quiet; /* the first list's objects are counted, not told */
};

struct probe_line {
    struct buf text;
    struct json_write w;
};

void probe_die(const char *what, const char *why) __attribute__((noreturn));
/* {"event": event, ...}, written out by probe_end. */
void probe_begin(struct probe_line *l, const char *event);
void probe_end(struct probe_line *l);
/* The value of --name; empty when there is none. */
struct slice probe_option(const struct probe *p, const char *name);
uint32_t probe_number(const struct probe *p, const char *name);
/* What the file of --body holds; mem_free it. */
struct slice probe_body(const struct probe *p);
/* A kube_done_fn that tells the result and ends the program. */
void probe_on_result(void *owner, const struct kube_result *result);

/* kube_probe_write.c: verbs that write; --api, --plural, --namespace, --name say where. */
void probe_begin_apply(struct probe *p);
void probe_begin_status(struct probe *p); /* --version */
void probe_begin_delete(struct probe *p);
void probe_begin_event(struct probe *p); /* --kind --reason --note --times */
void probe_begin_lease(struct probe *p); /* --holder --duration-ms --renew-ms */
void probe_end_lease(struct probe *p);
