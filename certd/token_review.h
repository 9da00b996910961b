/* Asks the API server whose a service-account token is: a TokenReview with our audience, then the
 * pod that the token is bound to. Bounded in number and in time; whatever does not answer is a no.
 * One loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

struct kube_client;
struct loop;
struct token_review;

struct token_review_config {
    const char *trust_domain; /* must outlive it */
    bool match_pod_address;   /* the caller must come from its pod's address */
};

/* ERR_OK: spiffe_id is proven. ERR_DENIED: it is not. Anything else: the API server could not say;
 * the caller may try again. detail is for the log. Never called from inside token_review_start. */
typedef void (*token_review_fn)(void *owner, enum err e, const char *spiffe_id, const char *detail);

struct token_review *token_review_create(struct loop *l, struct kube_client *client,
                                         const struct token_review_config *config);
/* Those under way end with ERR_CANCELED. Before the client is destroyed. */
void token_review_destroy(struct token_review *r);
/* peer: copied. Too many at once: ERR_BUSY. */
void token_review_start(struct token_review *r, struct slice token, const struct addr *peer,
                        token_review_fn done, void *owner);
