/* How often a controller writes one object. Failures are tried again with growing pauses, with a
 * server that says how long to wait obeyed; and writes that succeed but do not last, because
 * somebody else undoes each of them, get slower too. Everything that writes objects has one of
 * these for each object. On one loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/rand.h"
#include "lib/kube/kube_client.h"

/* An object that was not written for so long has a clean record. */
#define KUBE_PACE_QUIET_MS 60000u

struct kube_pace {
    struct loop *loop;
    struct rand_state rand;
    unsigned failures; /* in a row */
    unsigned repeats;  /* writes without a quiet time between them */
    uint64_t last_ms;  /* when the last write was answered; 0: there was none */
    uint64_t next_ms;  /* not before */
    uint64_t told_ms;  /* … and by the server's own word (Retry-After) */
};

void kube_pace_init(struct kube_pace *p, struct loop *l);
/* Milliseconds until it may be written; 0: now. */
uint64_t kube_pace_wait_ms(const struct kube_pace *p);
/* What became of a write. Returns whether it succeeded (2xx). */
bool kube_pace_take(struct kube_pace *p, const struct kube_result *result);
/* What is to be written is not what failed: it may be tried at once. */
void kube_pace_forgive(struct kube_pace *p);
/* Nothing was written for KUBE_PACE_QUIET_MS, and nothing is due: it may be forgotten. */
bool kube_pace_is_quiet(const struct kube_pace *p);
