/* What the cookies of oidc hold, as bytes: a session, a login under way, when a session was last
 * used. Times are milliseconds since 1970. Pure; what is read points into the bytes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"

#define OIDC_ID_SIZE 16

struct oidc_session {
    uint8_t id[OIDC_ID_SIZE]; /* random */
    int64_t begun_ms;         /* when the user logged in */
    int64_t renewed_ms, expires_ms; /* of the tokens */
    struct slice id_token, access_token, refresh_token; /* those that are not needed are empty */
};

struct oidc_login {
    int64_t begun_ms;
    struct slice state, nonce, verifier;
    struct slice path; /* where the user wanted to go: path and query */
};

struct oidc_seen {
    uint8_t id[OIDC_ID_SIZE]; /* of the session */
    int64_t at_ms;
};

/* In the arena. A text of more than 64 KiB does not fit: the result is empty. */
struct slice oidc_record_session(struct arena *arena, const struct oidc_session *s);
struct slice oidc_record_login(struct arena *arena, const struct oidc_login *l);
struct slice oidc_record_seen(struct arena *arena, const struct oidc_seen *s);
/* False: they are no such thing. */
bool oidc_record_read_session(struct slice bytes, struct oidc_session *out);
bool oidc_record_read_login(struct slice bytes, struct oidc_login *out);
bool oidc_record_read_seen(struct slice bytes, struct oidc_seen *out);
