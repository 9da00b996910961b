/* Asking a Redis or Valkey server from a filter: the server, Lua scripts, and
 * one question with its answer (host->redis of filters/filter.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "lib/codec/resp/resp_value.h"
#include "lib/codec/text/sha1.h"

/* ---- servers and scripts ---- */

/* In the filter's configuration. */
struct filter_redis_server {
    struct slice cluster;            /* the name of a cluster of the configuration */
    struct slice username, password; /* empty: none */
    uint32_t database;
    uint32_t timeout_ms;
};

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
