/* The users of one LDAP directory: asked on the thread pool over a few connections that are kept,
 * and remembered for a while once they were found good. Goes with the configuration it is from, so
 * that another directory, or another way to ask it, begins anew.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <pthread.h>

#include "filters/caller/digest_cache.h"
#include "filters/filter.h"
#include "lib/ldap/directory.h"

enum { LDAP_IDLE_MAX = 4, LDAP_USER_MAX = 256, LDAP_PASSWORD_MAX = 1024, LDAP_GROUPS_MAX = 4096 };

struct ldap_users {
    struct filter_keep keep; /* first */
    struct digest_cache good;
    uint8_t key[DIGEST_SIZE]; /* of the digests of names and passwords; never leaves the process */
    struct arena arena;       /* of the strings of config */
    struct directory_config config;
    pthread_mutex_t lock; /* for the threads of the pool */
    struct directory *idle[LDAP_IDLE_MAX];
    unsigned idle_count;
};

/* With its config still to be filled in. */
struct ldap_users *ldap_users_create(const struct filter_build *b);

/* ---- a user that was found good ---- */

struct ldap_user {
    struct digest_entry entry; /* first */
    uint64_t until_ms;         /* of the loop's clock */
    size_t group_count;
    const struct slice *groups; /* behind the struct, with their bytes */
};

void ldap_users_digest(const struct ldap_users *u, struct slice name, struct slice password,
                       uint8_t digest[DIGEST_SIZE]);
/* A reference, for digest_entry_unref; NULL: the directory has to be asked. */
struct ldap_user *ldap_users_find(struct ldap_users *u, const uint8_t digest[DIGEST_SIZE],
                                  uint64_t now_ms);
/* By what a question found out: a reference. With keep it is remembered until then. */
struct ldap_user *ldap_users_take(struct ldap_users *u, const uint8_t digest[DIGEST_SIZE],
                                  const struct filter_job *answer, uint64_t until_ms, bool keep);

/* ---- asking ---- */

/* name and password are at most as long as above. */
struct filter_job *ldap_users_ask(struct ldap_users *u, struct slice name, struct slice password);
/* Of one that was run. detail: why nobody could say. */
enum directory_verdict ldap_users_verdict(const struct filter_job *answer, struct slice *detail);
