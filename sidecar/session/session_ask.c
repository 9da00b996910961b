/* An app calls an address; where configuration comes on demand, policyd is asked what that is, and
 * the connection waits. Policyd that cannot be reached must not stop the app: the connection is
 * then passed on as if it were nothing of the mesh. One that can be reached and does not say is
 * waited for longer, and then the connection is refused. Worker thread. Must not know what a
 * destination is. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/session/session_ask.h"

#include "lib/base/log.h"
#include "lib/io/loop.h"
#include "sidecar/session/session_priv.h"
#include "sidecar/telemetry/metrics.h"

enum {
    LONGER = 9,          /* times the wait, where policyd is there */
    NOT_AGAIN_MS = 5000, /* nobody waits in vain so soon after another one did */
};

/* From before: it counts while policyd is away. When it is there, only its answer does, for then
 * what is known stays known: nobody has just let it go. */
static bool is_known(const struct session *s)
{
    return snapshot_destination_by_addr(worker_snapshot(s->worker), &s->info.original_dst) != NULL;
}

static bool may_ask(const struct session *s)
{
    const struct settings *settings = s->worker->settings;
    return settings->discovery && settings->mode == MODE_SIDECAR && !s->is_explicit &&
           !addr_is_loopback(&s->info.original_dst);
}

static bool just_given_up(const struct session *s)
{
    const struct subscription *i = s->subscription;
    uint64_t now = loop_now_ms(s->worker->loop);
    return i->given_up_ms && now - i->given_up_ms < NOT_AGAIN_MS &&
           !s->worker->subscriptions.is_connected;
}

static void pass_on(struct session *s, const char *why)
{
    char to[ADDR_TEXT_MAX];
    LOG_W("session", "%s: %s: passed on untouched, without policies and mutual TLS of ours",
          addr_format(&s->info.original_dst, to), why);
    metrics_add(s->worker->metrics, METRICS_DISCOVERY_UNANSWERED, 1);
}

bool session_ask(struct session *s)
{
    if (!may_ask(s))
        return false;
    s->subscription = subscription_pin(&s->worker->subscriptions, &s->info.original_dst);
    if (s->subscription && s->subscription->is_answered)
        return false;
    if (is_known(s) && (!s->subscription || !s->worker->subscriptions.is_connected))
        return false;
    if (!s->subscription) {
        pass_on(s, "the app calls too many destinations at once");
        return false;
    }
    if (just_given_up(s)) {
        metrics_add(s->worker->metrics, METRICS_DISCOVERY_UNANSWERED, 1);
        return false;
    }
    subscription_park(s->subscription, &s->parked);
    timer_start(&s->timer, s->worker->settings->discovery_wait_ms);
    return true;
}

bool session_ask_is_parked(const struct session *s)
{
    return list_is_linked(&s->parked);
}

static void go_on(struct session *s)
{
    list_unlink(&s->parked);
    side_outbound_resume(s);
}

void session_ask_expired(struct session *s)
{
    if (is_known(s)) {
        go_on(s);
    } else if (!s->worker->subscriptions.is_connected) {
        s->subscription->given_up_ms = loop_now_ms(s->worker->loop);
        pass_on(s, "weft-policyd cannot be reached and has never said what this is");
        go_on(s);
    } else if (!s->has_waited) {
        s->has_waited = true;
        timer_start(&s->timer, (uint64_t)LONGER * s->worker->settings->discovery_wait_ms);
    } else {
        list_unlink(&s->parked);
        session_refuse(s, "weft-policyd does not say what this destination is");
    }
}

void session_ask_dispose(struct session *s)
{
    list_unlink(&s->parked);
    if (s->subscription)
        subscription_unpin(&s->worker->subscriptions, s->subscription);
    s->subscription = NULL;
}
