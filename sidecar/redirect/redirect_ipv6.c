/* IPv6 addresses of the network namespace, by /proc and by the oldest of ioctls. Blocking. Must
 * not know iptables nor why it is asked.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_ipv6.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's struct in6_ifreq; linux/ipv6.h does not get along with netinet/in.h everywhere. */
struct address_request {
    struct in6_addr address;
    uint32_t prefix_length;
    int interface_index;
};

enum redirect_ipv6_presence redirect_ipv6_presence(void)
{
    enum redirect_ipv6_presence found = REDIRECT_IPV6_NONE;
    char line[256], name[64];
    FILE *table = fopen("/proc/net/if_inet6", "re");
    if (!table)
        return found;
    /* address, index, prefix length, scope, flags, name */
    while (fgets(line, sizeof(line), table)) {
        if (sscanf(line, "%*s %*s %*s %*s %*s %63s", name) != 1)
            continue;
        if (strcmp(name, "lo") != 0)
            found = REDIRECT_IPV6_REACHABLE;
        else if (found == REDIRECT_IPV6_NONE)
            found = REDIRECT_IPV6_LOOPBACK;
    }
    fclose(table);
    return found;
}

static enum err change_source(unsigned long request, int harmless)
{
    struct address_request r = {.address.s6_addr[15] = 6, .prefix_length = 128};
    r.interface_index = (int)if_nametoindex("lo");
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno == EAFNOSUPPORT ? ERR_UNSUPPORTED : err_from_errno(errno);
    enum err err = ERR_OK;
    if (ioctl(fd, request, &r) < 0 && errno != harmless)
        err = err_from_errno(errno);
    close(fd);
    return err;
}

enum err redirect_ipv6_add_source(void)
{
    return change_source(SIOCSIFADDR, EEXIST);
}

enum err redirect_ipv6_remove_source(void)
{
    return change_source(SIOCDIFADDR, EADDRNOTAVAIL);
}
