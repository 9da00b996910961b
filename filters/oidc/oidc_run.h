/* What oidc knows of one request, and its steps: one file each. Each answers as a hook does; one
 * that waits is called again, and goes on where it was. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/oidc/oidc_jar.h"
#include "filters/oidc/oidc_provider.h"
#include "filters/oidc/oidc_tokens.h"

enum oidc_step { OIDC_STEP_BEGIN, OIDC_STEP_GUARD, OIDC_STEP_CALLBACK, OIDC_STEP_LOGOUT,
                 OIDC_STEP_LOGIN, OIDC_STEP_REFRESH, OIDC_STEP_OVER };

struct oidc_run {
    enum oidc_step step;
    struct oidc_jar jar;
    struct published_wait provider_wait, keys_wait;
    struct filter_call call;     /* of the token endpoint */
    struct oidc_login login;     /* CALLBACK: what the browser brings back */
    struct oidc_session session; /* GUARD, REFRESH */
    struct claims claims;        /* of its ID token */
    uint8_t digest[DIGEST_SIZE]; /* of its refresh token */
    bool asks, has_turn;         /* REFRESH: it is this request that asks; others wait for it */
    uint64_t waits_since_ms;
};

/* oidc_guard.c: is there a session? */
enum filter_verdict oidc_guard(struct filter_exchange *x, const struct oidc_conf *c,
                               struct oidc_run *run);
/* oidc_refresh.c: its tokens are about to expire, or have. */
enum filter_verdict oidc_refresh(struct filter_exchange *x, const struct oidc_conf *c,
                                 struct oidc_run *run);
/* When the exchange is over. */
void oidc_refresh_end(const struct oidc_conf *c, struct oidc_run *run);
/* oidc_guard.c: with a session that is good; for oidc_refresh. */
enum filter_verdict oidc_guard_pass(struct filter_exchange *x, const struct oidc_conf *c,
                                    struct oidc_run *run);
/* oidc_guard.c: without one. */
enum filter_verdict oidc_guard_stop(struct filter_exchange *x, const struct oidc_conf *c,
                                    struct oidc_run *run);
/* oidc_login.c: sends the browser to the provider. */
enum filter_verdict oidc_login_begin(struct filter_exchange *x, const struct oidc_conf *c,
                                     struct oidc_run *run);
/* oidc_callback.c: it comes back. */
enum filter_verdict oidc_callback(struct filter_exchange *x, const struct oidc_conf *c,
                                  struct oidc_run *run);
/* oidc_logout.c. */
enum filter_verdict oidc_logout(struct filter_exchange *x, const struct oidc_conf *c,
                                struct oidc_run *run);
