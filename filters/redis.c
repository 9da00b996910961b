/* Redis as filters know it. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/redis.h"

#include "lib/codec/text/sha1.h"

void filter_redis_script_init(struct filter_redis_script *s)
{
    sha1_hex(slice_from_cstr(s->source), s->sha1);
}
