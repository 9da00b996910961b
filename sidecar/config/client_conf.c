/* From the ClientTraffic message to struct client_conf. Control thread. Must not know whose
 * connections it is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/client_conf.h"

#include "policies/compile.h"

static enum err take_limits(const struct part_build *b, const Weft__Config__V1__ClientLimits *from,
                            struct client_limits_conf *to)
{
    if (!from || !from->max_target_bytes || !from->max_header_bytes || !from->max_headers)
        return part_refuse(b, "client_traffic: limits are incomplete");
    to->max_target_bytes = from->max_target_bytes;
    to->max_header_bytes = from->max_header_bytes;
    to->max_headers = from->max_headers;
    return ERR_OK;
}

/* Each section of the message has its line here. */
static enum err take_all(const struct part_build *b, const Weft__Config__V1__ClientTraffic *from,
                         struct client_conf *to)
{
    return take_limits(b, from->limits, &to->limits);
}

enum err client_conf_create(const struct part_build *b, const Weft__Config__V1__ClientTraffic *from,
                            const struct client_conf **out)
{
    *out = NULL;
    if (!from)
        return ERR_OK;
    struct client_conf *conf = part_array(b->part, 1, sizeof(*conf));
    *out = conf;
    return take_all(b, from, conf);
}

enum err client_conf_create_fallback(const struct part_build *b, const struct client_conf **out)
{
    return client_conf_create(b, compile_client_traffic_fallback(&b->part->arena), out);
}
