/* Whether a data plane may be served, whether anything is due, and what time alone brings. Owned by
 * the loop's thread. Must not know what it said, nor how an update is made.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/subscriber.h"

#include "lib/base/log.h"

enum {
    HELLO_MS = 10000,
    WAIT_MS = 15000,    /* for a pod that nobody has told us of yet */
    ACK_MS = 30000,     /* for the word that an update is in force */
    MISSING_MS = 60000, /* after its pod or its Gateway is gone */
};

/* ---- serving ---- */

static enum access_verdict judge(const struct subscriber *s, char why[ACCESS_WHY_MAX])
{
    const struct subscriber_list_config *c = &s->subscribers->config;
    struct access_claim claim = {.namespace_name = slice_from_cstr(s->namespace_name),
                                 .service_account = slice_from_cstr(s->service_account),
                                 .pod = slice_from_cstr(s->pod),
                                 .gateway = slice_from_cstr(s->gateway),
                                 .needs_pod = c->needs_pod};
    return access_judge(c->set(c->owner), &claim, why);
}

/* False: not yet, or never. Asked each time, since what it may have can change while it is served;
 * but a pod or a Gateway that is gone is no reason to keep from it what follows from that (see
 * judge_life). */
static bool may_serve(struct subscriber *s)
{
    char why[ACCESS_WHY_MAX];
    if (s->state == SUBSCRIBER_NEW ||
        !s->subscribers->config.is_ready(s->subscribers->config.owner))
        return false;
    enum access_verdict v = judge(s, why);
    if (v == ACCESS_NO)
        subscriber_refuse(s, GRPC_PERMISSION_DENIED, why);
    if (v == ACCESS_NO || (v == ACCESS_WAIT && s->state == SUBSCRIBER_WAITING))
        return false;
    if (s->state == SUBSCRIBER_WAITING)
        LOG_D("roster", "%s/%s is served", s->namespace_name, s->pod);
    s->state = SUBSCRIBER_LIVE;
    return true;
}

/* Brings its answers up to date; true when any of them is another than it was sent. */
static bool is_behind(struct subscriber *s)
{
    const struct subscriber_list_config *c = &s->subscribers->config;
    struct slice key, node, zone;
    void *value;
    compile_find_locality(c->set(c->owner), slice_from_cstr(s->namespace_name),
                          slice_from_cstr(s->pod), &node, &zone);
    bool behind = s->is_dirty;
    behind |= compile_cache_refresh_at(&s->base, node, zone);
    behind |= answer_of(&s->base)->changed > s->seen;
    for (size_t at = 0; map_next(&s->subscriptions, &at, &key, &value);) {
        struct subscribed_address *one = value;
        behind |= compile_cache_refresh_at(&one->answer, node, zone);
        behind |= answer_of(&one->answer)->changed > s->seen;
    }
    return behind;
}

void subscriber_look(struct subscriber *s)
{
    if (s->is_pending || !may_serve(s))
        return;
    bool behind = is_behind(s);
    s->cause_ns = s->is_dirty ? 0 : s->subscribers->changed_ns;
    s->seen = compile_cache_round(s->subscribers->config.cache);
    s->is_dirty = false;
    if (behind && !subscriber_send(s))
        subscriber_close(s, GRPC_RESOURCE_EXHAUSTED, "what it needs is too large for one update");
}

/* ---- time ---- */

/* What its certificate and its pod allowed may be over: at once where somebody else would have to
 * be asked for it now, after a while where its pod or its Gateway is gone. NULL: it is not over. */
static const char *judge_life(struct subscriber *s, uint64_t now_ms, int64_t wall_ms,
                              char why[ACCESS_WHY_MAX])
{
    if (wall_ms >= s->not_after_ms)
        return "its certificate has expired since it connected";
    enum access_verdict v = s->state == SUBSCRIBER_LIVE ? judge(s, why) : ACCESS_YES;
    if (v == ACCESS_NO)
        return why;
    if (v == ACCESS_YES)
        s->missing_ms = 0;
    else if (!s->missing_ms)
        s->missing_ms = now_ms;
    return s->missing_ms && now_ms - s->missing_ms > MISSING_MS ? why : NULL;
}

void subscriber_tick(struct subscriber *s, uint64_t now_ms, int64_t wall_ms)
{
    uint64_t passed = now_ms - s->since_ms;
    char why[ACCESS_WHY_MAX];
    const char *over = judge_life(s, now_ms, wall_ms, why);
    if (over)
        subscriber_refuse(s, GRPC_PERMISSION_DENIED, over);
    else if (s->state == SUBSCRIBER_NEW && passed > HELLO_MS)
        subscriber_refuse(s, GRPC_DEADLINE_EXCEEDED, "it never said hello");
    else if (s->state == SUBSCRIBER_WAITING && passed > WAIT_MS &&
             s->subscribers->config.is_ready(s->subscribers->config.owner) &&
             judge(s, why) != ACCESS_YES)
        subscriber_refuse(s, GRPC_PERMISSION_DENIED, why);
    else if (s->is_pending && passed > ACK_MS) {
        s->subscribers->count.slow++;
        subscriber_close(s, GRPC_DEADLINE_EXCEEDED, "it did not answer an update in time");
    }
}
