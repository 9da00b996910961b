/* Redis as filters know it: from what users write to what the data plane asks with. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/redis.h"

#include "lib/codec/text/sha1.h"

enum err filter_redis_prepare(const struct filter_build *b, const struct redis_server_spec *spec,
                              struct filter_redis_server *out)
{
    if (spec->username.len && !spec->password)
        return filter_refuse(b, "a username needs a passwordRef");
    *out = (struct filter_redis_server){
        .cluster = spec->backend.value,
        .username = spec->username,
        .password = spec->password ? spec->password->value : (struct slice){0},
        .database = (uint32_t)spec->database,
        .timeout_ms = (uint32_t)spec->timeout_ms,
    };
    return ERR_OK;
}

void filter_redis_script_init(struct filter_redis_script *s)
{
    sha1_hex(slice_from_cstr(s->source), s->sha1);
}
