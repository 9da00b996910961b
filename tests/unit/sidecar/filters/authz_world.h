/* Policies under construction and an exchange to try them on, for the tests of authorization.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/authz_conf.h"
#include "sidecar/config/filter_conf.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"
#include "tests/unit/sidecar/fake_exchange.h"

#define ALLOW WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_ALLOW
#define DENY WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_DENY
#define AUDIT WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_AUDIT
#define FRONTEND "spiffe://cluster.local/ns/shop/sa/frontend"

struct world {
    struct config_make make;
    struct part part;
    Weft__Config__V1__AuthzPolicy **policies;
    size_t n_policies;
    struct fake_exchange ex;
    char detail[PART_DETAIL_MAX];
};

static inline int authz_world_setup(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    config_make_init(&w.make);
    part_init(&w.part);
    fake_exchange_init(&w.ex, "GET", "reviews:9080", "/reviews/1");
    *state = &w;
    return 0;
}

static inline int authz_world_teardown(void **state)
{
    struct world *w = *state;
    fake_exchange_dispose(&w->ex);
    part_dispose(&w->part);
    config_make_dispose(&w->make);
    return 0;
}

/* For tests that go through a table. */
static inline struct world *authz_world_renew(void **state)
{
    authz_world_teardown(state);
    authz_world_setup(state);
    return *state;
}

/* A policy with one empty rule, which matches everything until it is told otherwise. */
static inline Weft__Config__V1__AuthzRule *
add(struct world *w, Weft__Config__V1__AuthzAction action, const char *name)
{
    Weft__Config__V1__AuthzPolicy *p = config_make_policy(&w->make, name, action);
    Weft__Config__V1__AuthzRule *r = config_make_rule(&w->make);
    CONFIG_PUSH(&w->make, p, rules, r);
    CONFIG_PUSH(&w->make, w, policies, p);
    return r;
}

static inline Weft__Config__V1__AuthzSource *from(struct world *w, Weft__Config__V1__AuthzRule *r)
{
    Weft__Config__V1__AuthzSource *s = arena_alloc(&w->make.arena, sizeof(*s));
    weft__config__v1__authz_source__init(s);
    CONFIG_PUSH(&w->make, r, from, s);
    return s;
}

static inline Weft__Config__V1__AuthzOperation *to(struct world *w, Weft__Config__V1__AuthzRule *r)
{
    Weft__Config__V1__AuthzOperation *o = arena_alloc(&w->make.arena, sizeof(*o));
    weft__config__v1__authz_operation__init(o);
    CONFIG_PUSH(&w->make, r, to, o);
    return o;
}

#define LIST(w, message, field, text) \
    CONFIG_PUSH(&(w)->make, message, field, config_make_match(&(w)->make, text))

static inline const struct authz *compile(struct world *w)
{
    struct part_build b = {&w->part, SLICE("inbound"), w->detail};
    const struct authz *a;
    if (authz_conf_create(&b, w->policies, w->n_policies, &a))
        fail_msg("%s", w->detail);
    return a;
}

static inline void expect_refused(struct world *w, const char *want)
{
    struct part_build b = {&w->part, SLICE("inbound"), w->detail};
    const struct authz *a;
    assert_int_equal(authz_conf_create(&b, w->policies, w->n_policies, &a), ERR_INVALID);
    if (!strstr(w->detail, want))
        fail_msg("\"%s\" does not say \"%s\"", w->detail, want);
}

/* "" when the request may go on, else the reason. */
static inline void expect(struct world *w, const char *want)
{
    struct slice reason = SLICE("");
    bool allowed = authz_decide(compile(w), &w->ex.x, &reason);
    assert_slice(reason, want);
    assert_int_equal(allowed, want[0] == '\0');
}

static inline void expect_tcp(struct world *w, const char *want)
{
    char reason[AUTHZ_REASON_MAX] = "";
    bool allowed = authz_decide_tcp(compile(w), &w->ex.down, reason);
    assert_string_equal(reason, want);
    assert_int_equal(allowed, want[0] == '\0');
}

static inline void retarget(struct world *w, const char *method, const char *authority,
                            const char *target)
{
    fake_exchange_dispose(&w->ex);
    fake_exchange_init(&w->ex, method, authority, target);
}

static const char no_allow[] = "no ALLOW policy matches";
