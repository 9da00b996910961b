/* Reads /proc/net/tcp and tcp6, and takes away what /proc/self/fd says is ours. Blocking, and slow
 * where there are very many sockets: for the end of a process only. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_sockets.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/mem.h"

#define TCP_TIME_WAIT 6 /* of nobody any more */

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* "socket:[4711]" */
static uint64_t inode_of_link(const char *path)
{
    char target[64];
    unsigned long long inode = 0;
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len <= 0)
        return 0;
    target[len] = 0;
    return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

static uint64_t *list_own(size_t *count)
{
    size_t room = 64;
    uint64_t *own = mem_alloc(room * sizeof(*own));
    DIR *dir = opendir("/proc/self/fd");
    *count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[300];
        snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
        uint64_t inode = inode_of_link(path);
        if (!inode)
            continue;
        if (*count == room) {
            room *= 2;
            own = mem_realloc(own, room * sizeof(*own));
        }
        own[(*count)++] = inode;
    }
    if (dir)
        closedir(dir);
    qsort(own, *count, sizeof(*own), compare);
    return own;
}

bool app_sockets_in_table(FILE *table, const uint64_t *own, size_t count)
{
    char line[512];
    while (fgets(line, sizeof(line), table)) {
        unsigned state;
        unsigned long long inode;
        /* slot, local, remote, state, queues, timer, retransmits, user, timeout, inode */
        if (sscanf(line, " %*[0-9]: %*s %*s %x %*s %*s %*s %*u %*u %llu", &state, &inode) != 2)
            continue;
        uint64_t key = inode;
        if (state != TCP_TIME_WAIT && inode &&
            !bsearch(&key, own, count, sizeof(key), compare))
            return true;
    }
    return false;
}

bool app_sockets_exist(void)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    bool found = false, told = false;
    size_t count;
    uint64_t *own = list_own(&count);
    for (size_t i = 0; i < 2 && !found; i++) {
        FILE *table = fopen(tables[i], "re");
        if (!table)
            continue; /* a kernel without IPv6 */
        told = true;
        found = app_sockets_in_table(table, own, count);
        fclose(table);
    }
    mem_free(own);
    return found || !told;
}
