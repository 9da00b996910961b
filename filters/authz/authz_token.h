/* What rules of an AuthorizationPolicy ask about tokens, as whoever authenticated the request has
 * read them (filters/caller/caller.h). Pure; worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/authz.h"

/* "request.auth.claims[realm_access][roles]" into its names, in the arena; false: it is no such
 * key. */
bool authz_token_path(struct slice key, struct arena *arena, struct claim_path *out);
/* The token's "<issuer>/<subject>" against requestPrincipals. Unknown where nobody can tell. */
enum truth authz_token_principal(const struct authz_facts *f, const struct authz_strings *in,
                                 const struct authz_strings *not_in);
/* A condition whose key is one of AUTHZ_KEY_TOKEN_*. */
enum truth authz_token_test(const struct authz_condition *c, const struct authz_facts *f);
