/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/addr_reach.h"

#include <string.h>

static bool is_v4_in(const struct addr *a, uint8_t first, uint8_t second)
{
    return a->family == 4 && a->ip[0] == first && a->ip[1] == second;
}

/* Metadata services that do not answer on the link: of Alibaba Cloud, Oracle Cloud, AWS by IPv6. */
static bool is_metadata(const struct addr *a)
{
    static const uint8_t alibaba[] = {100, 100, 100, 200}, oracle[] = {192, 0, 0, 192};
    static const uint8_t aws[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
    if (a->family == 4)
        return memcmp(a->ip, alibaba, 4) == 0 || memcmp(a->ip, oracle, 4) == 0;
    return memcmp(a->ip, aws, 16) == 0;
}

bool addr_is_beyond(const struct addr *a)
{
    bool is_v6 = a->family == 6;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (is_v6 && memcmp(a->ip, mapped, 12) == 0) {
        struct addr v4 = {.family = 4, .port = a->port};
        memcpy(v4.ip, a->ip + 12, 4);
        return addr_is_beyond(&v4);
    }
    bool is_link = is_v6 ? a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80 : is_v4_in(a, 169, 254);
    bool is_group = is_v6 ? a->ip[0] == 0xff : a->ip[0] >= 224;
    bool is_nobody = addr_is_any(a) || (a->family == 4 && a->ip[0] == 0);
    return !addr_is_loopback(a) && !is_link && !is_group && !is_nobody && !is_metadata(a);
}
