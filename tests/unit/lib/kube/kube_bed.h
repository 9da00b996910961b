/* A scripted API server for tests, on a simulated loop (kube_wire.h). Requests are noted;
 * each takes the next answer of the script, and waits while there is none.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/kube/kube_wire.h"

#define KUBE_BED_REQUESTS 64

struct kube_bed_answer {
    unsigned status;
    const char *body;
    const char *retry_after;
    bool open; /* the body goes on: kube_bed_push, kube_bed_finish, kube_bed_break */
};

struct kube_bed {
    struct loop *loop;
    struct kube_client *client;
    struct kube_wire wire;
    char *requests[KUBE_BED_REQUESTS]; /* "GET /path body" */
    size_t request_count;
    struct kube_bed_answer script[KUBE_BED_REQUESTS];
    size_t script_len, script_at;
    char authorization[64]; /* of the last request */
};

/* token_file may be NULL. */
void kube_bed_init(struct kube_bed *b, const char *alpn, const char *token_file);
/* Destroys the client too, unless the test did and set it to NULL. */
void kube_bed_dispose(struct kube_bed *b);

void kube_bed_answer(struct kube_bed *b, const struct kube_bed_answer *a);
static inline void kube_bed_say(struct kube_bed *b, unsigned status, const char *body)
{
    kube_bed_answer(b, &(struct kube_bed_answer){.status = status, .body = body});
}
static inline void kube_bed_say_open(struct kube_bed *b, const char *body)
{
    kube_bed_answer(b, &(struct kube_bed_answer){.status = 200, .body = body, .open = true});
}
/* More of the answer that is open. */
void kube_bed_push(struct kube_bed *b, const char *text);
void kube_bed_finish(struct kube_bed *b);
void kube_bed_break(struct kube_bed *b);
/* The connection is cut. */
void kube_bed_cut(struct kube_bed *b);
/* Until all is quiet, without time passing. */
void kube_bed_turn(struct kube_bed *b);
/* Lets time pass until there are so many requests; fails when there are not after an hour. Returns
 * how many milliseconds went by. */
uint64_t kube_bed_await(struct kube_bed *b, size_t requests);
/* Fails unless request number `index` is that. */
void kube_bed_expect(const struct kube_bed *b, size_t index, const char *request);
