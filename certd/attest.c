/* The attestors. Join tokens come from the state folder; a service-account token was reviewed
 * before anybody comes here; an SVID was verified by TLS already and is only checked for its time,
 * which may have passed on a long connection. On certd's only thread. Must not know what is signed
 * for whom. SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/attest.h"

#include <stdio.h>

#include "certd/join_token.h"
#include "lib/base/mem.h"

struct attestor {
    const char *method;
    /* This kind of proof was brought. */
    bool (*claims)(const struct attest_request *r);
    /* Whom it proves. */
    enum err (*prove)(const struct attest_request *r, char **spiffe_id,
                      char detail[ATTEST_DETAIL_MAX]);
    /* Uses it up; NULL when it may be used again. */
    enum err (*spend)(const struct attest_request *r, char detail[ATTEST_DETAIL_MAX]);
};

static const struct slice bearer = {"Bearer ", 7};

static enum err deny(char detail[ATTEST_DETAIL_MAX], const char *why)
{
    snprintf(detail, ATTEST_DETAIL_MAX, "%s", why);
    return ERR_DENIED;
}

/* ---- join token */

struct slice attest_bearer(struct slice authorization)
{
    struct slice head = slice_sub(authorization, 0, bearer.len);
    if (!slice_eq_nocase(head, bearer))
        return (struct slice){NULL, 0};
    return slice_trim(slice_sub(authorization, bearer.len, authorization.len));
}

static bool token_claims(const struct attest_request *r)
{
    return r->state_dir && r->authorization.len > 0;
}

static const char *token_problem(enum err e)
{
    switch (e) {
    case ERR_SYNTAX:
        return "the authorization header holds no join token";
    case ERR_NOT_FOUND:
        return "the join token is unknown";
    case ERR_EXISTS:
        return "the join token was used before";
    case ERR_EXPIRED:
        return "the join token has expired";
    default:
        return "the join token's record cannot be read";
    }
}

static enum err token_prove(const struct attest_request *r, char **spiffe_id,
                            char detail[ATTEST_DETAIL_MAX])
{
    enum err e =
        join_token_look(r->state_dir, attest_bearer(r->authorization), r->now_ms, spiffe_id);
    return e ? deny(detail, token_problem(e)) : ERR_OK;
}

static enum err token_spend(const struct attest_request *r, char detail[ATTEST_DETAIL_MAX])
{
    enum err e = join_token_use(r->state_dir, attest_bearer(r->authorization));
    return e ? deny(detail, token_problem(e)) : ERR_OK;
}

/* ---- service-account token */

static bool account_claims(const struct attest_request *r)
{
    return !r->state_dir && r->authorization.len > 0;
}

static enum err account_prove(const struct attest_request *r, char **spiffe_id,
                              char detail[ATTEST_DETAIL_MAX])
{
    if (!r->reviewed_id)
        return deny(detail, "nobody has reviewed the service-account token");
    *spiffe_id = mem_strdup(r->reviewed_id);
    return ERR_OK;
}

/* ---- current certificate */

static bool svid_claims(const struct attest_request *r)
{
    return r->peer && r->peer->spiffe_id.len > 0;
}

static enum err svid_prove(const struct attest_request *r, char **spiffe_id,
                           char detail[ATTEST_DETAIL_MAX])
{
    if (r->now_ms >= r->peer->not_after_ms)
        return deny(detail, "the caller's certificate has expired since it connected");
    *spiffe_id = mem_strndup(r->peer->spiffe_id.ptr, r->peer->spiffe_id.len);
    return ERR_OK;
}

static const struct attestor attestors[] = {
    {"join-token", token_claims, token_prove, token_spend},
    {"service-account", account_claims, account_prove, NULL},
    {"svid", svid_claims, svid_prove, NULL},
};
enum { ATTESTOR_COUNT = sizeof(attestors) / sizeof(attestors[0]) };

/* Every proof that is brought must hold, and all must name the same caller; the first is the one
 * that counts. */
enum err attest_caller(const struct attest_request *r, struct attest_result *out,
                       char detail[ATTEST_DETAIL_MAX])
{
    *out = (struct attest_result){0};
    for (size_t i = 0; i < ATTESTOR_COUNT; i++) {
        char *spiffe_id = NULL;
        if (!attestors[i].claims(r))
            continue;
        enum err e = attestors[i].prove(r, &spiffe_id, detail);
        bool same =
            !out->spiffe_id || (!e && slice_eq_cstr(slice_from_cstr(spiffe_id), out->spiffe_id));
        if (!e && !same)
            e = deny(detail, "token and certificate name different callers");
        if (e || out->spiffe_id)
            mem_free(spiffe_id);
        else
            *out = (struct attest_result){spiffe_id, &attestors[i], attestors[i].method};
        if (e) {
            attest_result_dispose(out);
            return e;
        }
    }
    return out->spiffe_id ? ERR_OK : deny(detail, "neither a token nor a certificate was shown");
}

enum err attest_commit(const struct attest_request *r, const struct attest_result *result,
                       char detail[ATTEST_DETAIL_MAX])
{
    return result->by->spend ? result->by->spend(r, detail) : ERR_OK;
}

void attest_result_dispose(struct attest_result *result)
{
    mem_free(result->spiffe_id);
    *result = (struct attest_result){0};
}
