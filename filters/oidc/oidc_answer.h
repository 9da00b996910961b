/* The answers of oidc: refusals with their reasons, and redirects. Whatever cookies are to be set
 * go with them, and nobody may keep them. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/oidc/oidc_run.h"

enum oidc_fail {
    OIDC_FAIL_LOGIN_REQUIRED,
    OIDC_FAIL_CALLBACK,
    OIDC_FAIL_STATE,
    OIDC_FAIL_DENIED,
    OIDC_FAIL_CODE,
    OIDC_FAIL_ID_TOKEN,
    OIDC_FAIL_PROVIDER,
    OIDC_FAIL_NONSENSE,
    OIDC_FAIL_TOO_LARGE,
    OIDC_FAIL_CLAIM,
    OIDC_FAIL_CONSUMER,
    OIDC_FAIL_COUNT,
};

enum oidc_event {
    OIDC_EVENT_ACCEPTED,
    OIDC_EVENT_REFUSED,
    OIDC_EVENT_LOGIN,
    OIDC_EVENT_LOGGED_IN,
    OIDC_EVENT_REFRESHED,
    OIDC_EVENT_LOGGED_OUT,
    OIDC_EVENT_ERROR,
};

extern const struct fail_info oidc_fails[OIDC_FAIL_COUNT];
extern const char *const oidc_events[]; /* NULL-terminated */

void oidc_answer_count(struct filter_exchange *x, enum oidc_event event);

/* All answer FILTER_REPLY. detail: for the log alone. */
enum filter_verdict oidc_answer_fail(struct filter_exchange *x, const struct oidc_conf *c,
                                     struct oidc_run *run, enum oidc_fail why,
                                     struct slice detail);
enum filter_verdict oidc_answer_redirect(struct filter_exchange *x, struct oidc_run *run,
                                         struct slice location);
/* As a redirect, by a page: the browser takes the next request for one of this site, and sends
 * cookies that are SameSite=Strict. */
enum filter_verdict oidc_answer_page(struct filter_exchange *x, struct oidc_run *run,
                                     struct slice location);
enum filter_verdict oidc_answer_text(struct filter_exchange *x, struct oidc_run *run,
                                     struct slice text);

/* "https://shop.example.com": where browsers reach us. */
struct slice oidc_answer_origin(struct filter_exchange *x, const struct oidc_conf *c);
/* The URI with that query added ("a=b&c=d"). */
struct slice oidc_answer_query(struct arena *arena, struct slice uri, struct slice query);
