/* Loading OpenLDAP's library, once for the process. It is never unloaded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/ldap/directory_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

/* As Debian 12 and 13, and others, name it. */
static const char *const names[] = {"libldap.so.2", "libldap-2.5.so.0", "libldap-2.6.so.0"};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct directory_library library;
static bool is_loaded;
static char why[DIRECTORY_DETAIL_MAX];

static void load(void)
{
    void *handle = NULL;
    for (size_t i = 0; !handle && i < sizeof(names) / sizeof(names[0]); i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(why, sizeof why, "OpenLDAP's library is not installed (libldap)");
        return;
    }
    is_loaded = true;
    /* POSIX lets an object pointer of dlsym be a function's. */
#define X(name)                                        \
    *(void **)(void *)&library.name = dlsym(handle, #name); \
    if (!library.name) {                               \
        snprintf(why, sizeof why, "libldap has no %s", #name); \
        is_loaded = false;                             \
    }
    DIRECTORY_FUNCTIONS(X)
#undef X
}

const struct directory_library *directory_library(char detail[DIRECTORY_DETAIL_MAX])
{
    pthread_once(&once, load);
    if (!is_loaded)
        snprintf(detail, DIRECTORY_DETAIL_MAX, "%s", why);
    return is_loaded ? &library : NULL;
}
