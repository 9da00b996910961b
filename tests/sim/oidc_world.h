/* A browser with its cookies, a gateway's filter oidc, and an OpenID provider that the test speaks
 * for: what the simulations of oidc share.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/sim/sim_road.h"
#include "tests/unit/lib/jose/token_maker.h"

#define OIDC_ISSUER "https://login.example.com"
#define OIDC_CALLBACK "/oauth2/callback"
#define OIDC_SESSION_COOKIE "sid"

enum { OIDC_COOKIES_MAX = 16, OIDC_LINES_MAX = 16 };

struct oidc_cookie {
    struct slice name, value, attributes;
};

struct oidc_world {
    struct sim_road r;
    struct arena arena;
    struct sim_app provider;
    struct sim_peer *lines[OIDC_LINES_MAX]; /* connections to the provider */
    unsigned line_count;
    struct sim_peer *line; /* the one that was asked last */
    struct slice question; /* what was asked on it */
    struct sim_peer *client;
    struct oidc_cookie cookies[OIDC_COOKIES_MAX];
    unsigned cookie_count;
    struct slice answer; /* what the browser got last */
    struct slice location;
};

/* more: members of the specification behind ","; may be empty. spelled: no discovery. */
void oidc_world_open(struct oidc_world *w, const char *more);
void oidc_world_open_with(struct oidc_world *w, const char *endpoints, const char *more,
                          const char *secret);
/* Another configuration of the same filter: another secret, say. */
void oidc_world_adopt(struct oidc_world *w, const char *more, const char *secret);
void oidc_world_close(struct oidc_world *w);

/* ---- the browser ---- */

/* A navigation with the cookies; a new connection. */
void oidc_world_visit(struct oidc_world *w, const char *path);
/* "GET /x" or so and more fields, each with its line break; the cookies are added. */
void oidc_world_send(struct oidc_world *w, const char *line, const char *fields);
/* The answer begins so and has that part (may be NULL): its cookies are kept. */
void oidc_world_expect(struct oidc_world *w, const char *start, const char *part);
/* The app gets the request, which has that part (may be NULL), and answers. */
struct slice oidc_world_expect_app(struct oidc_world *w, const char *part);
/* ptr NULL: it has none of that name. */
struct slice oidc_world_cookie(const struct oidc_world *w, const char *name);
void oidc_world_forget(struct oidc_world *w, const char *name);
/* Of the last Location; decoded where it is a form. */
struct slice oidc_world_param(struct oidc_world *w, const char *name);

/* ---- the provider ---- */

/* Is asked something that has this part. */
void oidc_world_expect_asked(struct oidc_world *w, const char *part);
void oidc_world_expect_silence(struct oidc_world *w);
/* status: "200 OK". */
void oidc_world_answer(struct oidc_world *w, const char *status, struct slice body);
void oidc_world_discovery(struct oidc_world *w, const char *more);
void oidc_world_keys(struct oidc_world *w);
/* An answer of the token endpoint. id_token empty: none. more: members behind ",". */
struct slice oidc_world_tokens(struct oidc_world *w, struct slice id_token, const char *more);
/* An ID token of this user for this login. claims: members that come first, behind them ",". */
struct slice oidc_world_id_token(struct oidc_world *w, struct slice nonce, const char *claims);
int64_t oidc_world_now_s(const struct oidc_world *w);

/* ---- all together ---- */

/* The browser visits and is sent to the provider; the state that it is to bring back is in
 * w->location. */
void oidc_world_begin_login(struct oidc_world *w, const char *path);
/* Comes back with a code; the provider is asked for tokens. */
void oidc_world_come_back(struct oidc_world *w);
/* The whole, with discovery and keys. more: as in oidc_world_tokens. */
void oidc_world_login(struct oidc_world *w, const char *path, const char *more);
