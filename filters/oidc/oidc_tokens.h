/* Tokens: asking the token endpoint for them (RFC 6749 §4.1.3, §6), reading its answer, and
 * checking an ID token (OpenID Connect Core 1.0 §3.1.3.7). Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/oidc/oidc_provider.h"
#include "lib/jose/claims.h"

struct oidc_tokens {
    struct slice id, access, refresh; /* empty: it gave none */
    int64_t lifetime_ms;              /* of the access token; -1: it does not say */
};

enum oidc_told {
    OIDC_TOLD_TOKENS,
    OIDC_TOLD_REFUSED,  /* the code or refresh token is not good, or not any more */
    OIDC_TOLD_NONSENSE, /* an answer of no use */
    OIDC_TOLD_NOTHING,  /* it could not be asked */
};

/* form: "grant_type=…"; the client's part is added. */
void oidc_tokens_ask(struct filter_exchange *x, const struct oidc_conf *c,
                     const struct oidc_provider *p, struct filter_call *call, struct slice form);
/* Once the call is done. *why: words for the log, without secrets. */
enum oidc_told oidc_tokens_read(struct arena *arena, const struct filter_call *call,
                                struct oidc_tokens *out, struct slice *why);
/* The same of a body that was kept. */
enum oidc_told oidc_tokens_read_body(struct arena *arena, struct slice body,
                                     struct oidc_tokens *out, struct slice *why);

/* What an ID token says that was checked before. */
bool oidc_tokens_claims(struct arena *arena, struct slice id_token, struct claims *out);

enum oidc_check {
    OIDC_CHECK_GOOD,
    OIDC_CHECK_WAIT,    /* keys are being fetched: answer FILTER_WAIT */
    OIDC_CHECK_NO_KEYS, /* they could not be fetched */
    OIDC_CHECK_BAD,
};

/* nonce: what it must have; empty: whatever it has. *why: words that follow "the ID token ". */
enum oidc_check oidc_tokens_check(struct filter_exchange *x, const struct oidc_conf *c,
                                  const struct oidc_provider *p, struct published_wait *wait,
                                  const struct oidc_tokens *tokens, struct slice nonce,
                                  struct claims *out, const char **why);
