/* Taking an authority apart.
 * Pure; any thread. The codec has refused malformed authorities (user info, junk after the port),
 * so nothing is checked again here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/host.h"

/* Length of the host part: up to the last ':' that is not inside brackets. */
static size_t host_len(struct slice authority)
{
    size_t at = authority.len;
    while (at > 0 && authority.ptr[at - 1] >= '0' && authority.ptr[at - 1] <= '9')
        at--;
    return at > 0 && authority.ptr[at - 1] == ':' ? at - 1 : authority.len;
}

struct slice host_of_authority(struct slice authority)
{
    struct slice host = {authority.ptr, host_len(authority)};
    if (host.len > 1 && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

uint16_t host_port_of_authority(struct slice authority)
{
    uint64_t port;
    size_t len = host_len(authority);
    if (len >= authority.len || slice_to_u64(slice_sub(authority, len + 1, authority.len), &port))
        return 0;
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

struct slice host_lower(struct slice host, char to[HOST_MAX])
{
    if (host.len > HOST_MAX)
        return (struct slice){to, 0};
    return slice_lower(host, to);
}
