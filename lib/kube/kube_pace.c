/* Pauses between the writes of one object, as its answers come: the longer of what its failures and
 * its repetitions ask for, and what the server has said. On one loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_pace.h"

#include "lib/base/backoff.h"
#include "lib/io/loop.h"

enum {
    CONFLICT = 409,
    CONFLICT_BASE_MS = 100, /* somebody was faster, which is soon over */
    FAILURE_BASE_MS = 1000,
    FAILURE_MAX_MS = 300000,
    REPEATS_FREE = 8, /* of an object that changes a few times in a row */
    REPEAT_BASE_MS = 1000,
    REPEAT_MAX_MS = 60000,
};

void kube_pace_init(struct kube_pace *p, struct loop *l)
{
    uint64_t seed;
    *p = (struct kube_pace){.loop = l};
    rand_secure(&seed, sizeof(seed));
    rand_seed(&p->rand, seed);
}

uint64_t kube_pace_wait_ms(const struct kube_pace *p)
{
    uint64_t now = loop_now_ms(p->loop);
    uint64_t due = p->next_ms > p->told_ms ? p->next_ms : p->told_ms;
    return due > now ? due - now : 0;
}

bool kube_pace_is_quiet(const struct kube_pace *p)
{
    return !p->last_ms ||
           (!kube_pace_wait_ms(p) && loop_now_ms(p->loop) - p->last_ms >= KUBE_PACE_QUIET_MS);
}

static uint64_t pause_after(struct kube_pace *p, const struct kube_result *result, bool ok)
{
    uint64_t pause = 0;
    unsigned base = result->status == CONFLICT ? CONFLICT_BASE_MS : FAILURE_BASE_MS;
    if (!ok)
        pause = backoff_delay(p->failures++, base, FAILURE_MAX_MS, &p->rand);
    if (p->repeats > REPEATS_FREE) {
        uint64_t slow =
            backoff_delay(p->repeats - REPEATS_FREE - 1, REPEAT_BASE_MS, REPEAT_MAX_MS, &p->rand);
        pause = slow > pause ? slow : pause;
    }
    return pause;
}

bool kube_pace_take(struct kube_pace *p, const struct kube_result *result)
{
    uint64_t now = loop_now_ms(p->loop);
    bool ok = result->status >= 200 && result->status < 300;
    /* Counted from when the pause was over: a long one is no quiet time. */
    uint64_t since = p->next_ms > p->last_ms ? p->next_ms : p->last_ms;
    bool was_quiet = !p->last_ms || now - since >= KUBE_PACE_QUIET_MS;
    p->repeats = was_quiet ? 0 : p->repeats + 1;
    p->failures = ok ? 0 : p->failures;
    p->next_ms = now + pause_after(p, result, ok);
    p->told_ms = ok ? 0 : now + result->retry_after_ms;
    p->last_ms = now;
    return ok;
}

void kube_pace_forgive(struct kube_pace *p)
{
    if (!p->failures || p->repeats > REPEATS_FREE)
        return;
    p->failures = 0;
    p->next_ms = 0;
}
