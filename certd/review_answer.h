/* What the API server says of a token and of the pod that it belongs to, judged: TokenReview
 * (authentication.k8s.io/v1) and Pod. Everything that is not exactly as it must be is a no. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

#define REVIEW_DETAIL_MAX 200
#define REVIEW_TOKEN_MAX 16384

/* Whom a token belongs to; mem_alloc'ed. */
struct review_caller {
    char *namespace_name, *service_account;
    char *pod_name, *pod_uid;
};

void review_answer_dispose(struct review_caller *c);
/* Has the form of a JWT: nothing else is worth a question. */
bool review_answer_is_token(struct slice token);
/* The TokenReview to POST. */
void review_answer_ask(struct slice token, const char *audience, struct buf *out);
/* ERR_DENIED, with why for the log: not authenticated, not for this audience, no service account,
 * not bound to a pod. ERR_SYNTAX: no TokenReview at all. */
MUST_USE enum err review_answer_read(struct slice body, const char *audience,
                                     struct review_caller *out, char detail[REVIEW_DETAIL_MAX]);
/* The pod is that very one, with that service account, and lives. peer: also has this address;
 * NULL: that is not asked. ERR_DENIED; ERR_AGAIN: its address is not known yet; ERR_SYNTAX. */
MUST_USE enum err review_answer_check_pod(struct slice body, const struct review_caller *caller,
                                          const struct addr *peer, char detail[REVIEW_DETAIL_MAX]);
