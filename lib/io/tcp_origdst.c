/* Where a redirected connection was going before the kernel's NAT rewrote it, from the connection
 * table of the network namespace, for IPv4 and IPv6. On the loop's thread. Must not know which
 * rules redirect.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/io/tcp_priv.h"

/* The kernel's headers that name these do not get along with netinet/in.h. */
enum { SO_ORIGINAL_DST = 80, IP6T_SO_ORIGINAL_DST = 80 };

enum err tcp_original_dst(struct stream *s, struct addr *out)
{
    if (s->ops != &tcp_ops)
        return ERR_UNSUPPORTED;
    struct stream_info info;
    stream_info(s, &info);
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    /* The address family of the connection counts, not the socket's: a v4 caller of a v6 socket is
     * in the v4 tables. */
    int status = info.local.family == 6
                     ? getsockopt(tcp_fd(tcp_of(s)), IPPROTO_IPV6, IP6T_SO_ORIGINAL_DST, &ss, &len)
                     : getsockopt(tcp_fd(tcp_of(s)), IPPROTO_IP, SO_ORIGINAL_DST, &ss, &len);
    /* ENOENT: not in the connection table; ENOPROTOOPT: no such table in this kernel. */
    if (status < 0)
        return errno == ENOENT || errno == ENOPROTOOPT ? ERR_NOT_FOUND : err_from_errno(errno);
    enum err err = addr_from_sockaddr((struct sockaddr *)&ss, out);
    if (err != ERR_OK)
        return err;
    return addr_eq(out, &info.local) ? ERR_NOT_FOUND : ERR_OK;
}
