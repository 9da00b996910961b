/* Asking a Redis or Valkey server from a filter: the server as users configure it, Lua scripts, and
 * one question with its answer (host->redis of filters/filter.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "lib/codec/resp/resp_value.h"
#include "lib/codec/text/sha1.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

struct redis_server_spec {
    struct schema_ref backend;
    struct slice username;
    const struct schema_ref *password; /* NULL: none */
    int64_t database, timeout_ms;
};

/* Fields of a store, for the table of its schema. `type` has a member `server`. */
#define REDIS_SERVER_FIELDS(type)                                                                  \
    SCHEMA_FIELD(type, server.backend, "backendRef", INLINE,                                       \
                 "The Service of the Redis or Valkey server. Where it has several endpoints, all " \
                 "gateways agree on the one that has a key, and go on with another when it "       \
                 "fails. In the mesh, or with a BackendTLSPolicy, the connection is TLS.",         \
                 .flags = SCHEMA_REQUIRED, .object = &schema_ref_backend),                         \
        SCHEMA_FIELD(type, server.username, "username", STRING,                                    \
                     "Of an ACL user. Without it the password is the one of requirepass.",         \
                     .min = 1, .max = 256),                                                        \
        SCHEMA_FIELD(type, server.password, "passwordRef", OBJECT, "The password.",               \
                     .object = &schema_ref_secret),                                                \
        SCHEMA_FIELD(type, server.database, "database", INT, "The number of the database.",        \
                     .max = 65535),                                                                \
        SCHEMA_FIELD(type, server.timeout_ms, "timeout", DURATION,                                 \
                     "How long one answer may take, with connecting and further tries.",           \
                     .fallback = 2000, .min = 1, .max = 60000)

/* ---- servers and scripts ---- */

/* In the filter's configuration. */
struct filter_redis_server {
    struct slice cluster;            /* the name of a cluster of the configuration */
    struct slice username, password; /* empty: none */
    uint32_t database;
    uint32_t timeout_ms;
};

/* Control thread, in prepare. */
MUST_USE enum err filter_redis_prepare(const struct filter_build *b,
                                       const struct redis_server_spec *spec,
                                       struct filter_redis_server *out);

/* Lives as long as the process. */
struct filter_redis_script {
    const char *source;
    char sha1[SHA1_HEX_MAX]; /* by which servers know it; by filter_redis_script_init */
};
void filter_redis_script_init(struct filter_redis_script *s);

/* ---- a question ---- */

/* In the filter's ctx, zeroed before it is filled in. What it points at lies in the exchange's
 * arena or in the filter's configuration. */
struct filter_redis {
    const struct filter_redis_server *server;
    const struct filter_redis_script *script; /* NULL: `words` are a whole command */
    const struct slice *words; /* of a script: its keys, then its arguments */
    uint32_t word_count, key_count;

    /* What came of it, once is_done. */
    bool is_done;
    const struct fail_info *failed; /* NULL: it was answered, and not with an error */
    struct slice detail;            /* what more is known of the failure; may be empty */
    const struct resp_value *reply; /* in the exchange's arena; NULL when it failed */
};
