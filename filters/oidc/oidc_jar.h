/* The cookies of oidc: reading those of a request, and what a response is to set. A session is cut
 * into several cookies where it is longer than browsers keep one. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/oidc/oidc_conf.h"
#include "filters/oidc/oidc_record.h"

#define OIDC_CHUNK_SIZE 3800u /* browsers keep 4096 bytes with name and attributes */
#define OIDC_CHUNKS_MAX 4u
#define OIDC_LOGINS_MAX 4u   /* that one browser may have begun; the oldest is forgotten */
#define OIDC_LOGINS_SEEN 16u /* cookies of logins that are looked at */
#define OIDC_SETS_MAX (2 * OIDC_CHUNKS_MAX + OIDC_LOGINS_SEEN + 2)
#define OIDC_STATE_NAMED 8u /* how much of `state` is in the name of a login's cookie */

struct oidc_jar_login {
    struct slice name, text;
};

/* Zeroed before it is read. */
struct oidc_jar {
    struct slice chunks[OIDC_CHUNKS_MAX];
    struct slice seen;
    struct oidc_jar_login logins[OIDC_LOGINS_SEEN];
    unsigned login_count;
    bool is_doubled; /* a cookie of the session is there twice: which one is ours is not known */
    struct slice sets[OIDC_SETS_MAX]; /* values of Set-Cookie */
    unsigned set_count;
};

/* Also takes them out of the request: the backend does not see them. */
void oidc_jar_read(struct filter_exchange *x, const struct oidc_conf *c, struct oidc_jar *jar);

/* What is sealed for a purpose, as a cookie's text; and back, by any of the keys. */
struct slice oidc_jar_seal(struct arena *arena, const struct oidc_conf *c,
                           enum oidc_purpose purpose, struct slice bytes);
bool oidc_jar_open(struct arena *arena, const struct oidc_conf *c, enum oidc_purpose purpose,
                   struct slice text, struct slice *bytes);

/* False: there is none that we have sealed. */
bool oidc_jar_session(struct arena *arena, const struct oidc_conf *c, const struct oidc_jar *jar,
                      struct oidc_session *out);
bool oidc_jar_seen(struct arena *arena, const struct oidc_conf *c, const struct oidc_jar *jar,
                   struct oidc_seen *out);
/* The one of that state, whatever its age. */
bool oidc_jar_login(struct arena *arena, const struct oidc_conf *c, const struct oidc_jar *jar,
                    struct slice state, struct oidc_login *out);

/* False: it is too long, and nothing is set. */
bool oidc_jar_set_session(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                          const struct oidc_session *s, int64_t now_ms);
void oidc_jar_set_seen(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                       const struct oidc_session *s, int64_t now_ms);
/* Makes room for it among the others. */
void oidc_jar_set_login(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                        const struct oidc_login *l);
void oidc_jar_drop_session(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar);
void oidc_jar_drop_login(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                         struct slice state);
void oidc_jar_drop_logins(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar);

/* Adds the fields, once. */
void oidc_jar_hand_out(struct oidc_jar *jar, struct message *response);
