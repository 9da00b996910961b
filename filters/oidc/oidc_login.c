/* oidc, the way to the provider (OpenID Connect Core 1.0 §3.1.2.1, RFC 7636): what the browser has
 * to bring back lies in a cookie of this login alone, so several tabs log in at once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_answer.h"
#include "filters/token/introspection.h"
#include "lib/base/rand.h"
#include "lib/codec/text/base64url.h"

enum { STATE_SIZE = 16, VERIFIER_SIZE = 32, PATH_MAX_KEPT = 2048 };

static struct slice random_text(struct arena *arena, size_t size)
{
    uint8_t bytes[VERIFIER_SIZE];
    rand_secure(bytes, size);
    return base64url_encode(arena, slice_of(bytes, size));
}

/* A long query is lost, and a long path as well. */
static struct slice path_to_keep(const struct filter_exchange *x)
{
    struct slice path = x->original_path;
    if (path.len > PATH_MAX_KEPT)
        path = slice_sub(path, 0, slice_find_byte(path, '?'));
    return path.len && path.len <= PATH_MAX_KEPT && path.ptr[0] == '/' ? path : SLICE("/");
}

static struct slice request_of(struct filter_exchange *x, const struct oidc_conf *c,
                               const struct oidc_provider *p, const struct oidc_login *l)
{
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(l->verifier, digest);
    struct slice challenge = base64url_encode(x->arena, slice_of(digest, DIGEST_SIZE));
    struct slice back = arena_printf(x->arena, "%.*s%.*s", SLICE_ARG(oidc_answer_origin(x, c)),
                                     SLICE_ARG(c->redirect_path));
    return oidc_answer_query(
        x->arena, p->authorization,
        arena_printf(x->arena, "%.*s&redirect_uri=%.*s&state=%.*s&nonce=%.*s&code_challenge=%.*s",
                     SLICE_ARG(c->request), SLICE_ARG(introspection_encode(x->arena, back)),
                     SLICE_ARG(l->state), SLICE_ARG(l->nonce), SLICE_ARG(challenge)));
}

enum filter_verdict oidc_login_begin(struct filter_exchange *x, const struct oidc_conf *c,
                                     struct oidc_run *run)
{
    struct oidc_provider p;
    const char *why;
    enum published_state state = oidc_provider_find(x, c, &run->provider_wait, &p, &why);
    if (state == PUBLISHED_WAIT)
        return FILTER_WAIT;
    if (state == PUBLISHED_NONE)
        return oidc_answer_fail(x, c, run, OIDC_FAIL_PROVIDER, slice_from_cstr(why));
    struct oidc_login login = {.begun_ms = x->host->unix_ms(x),
                               .state = random_text(x->arena, STATE_SIZE),
                               .nonce = random_text(x->arena, STATE_SIZE),
                               .verifier = random_text(x->arena, VERIFIER_SIZE),
                               .path = path_to_keep(x)};
    oidc_jar_set_login(x->arena, c, &run->jar, &login);
    oidc_answer_count(x, OIDC_EVENT_LOGIN);
    return oidc_answer_redirect(x, run, request_of(x, c, &p, &login));
}
