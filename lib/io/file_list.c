/* The files of a folder, by suffix, in byte order of their names. Blocking, so only control
 * threads and tools may use it. Must not know what the files hold.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/base/slice.h"
#include "lib/io/file.h"

struct names {
    char **items;
    size_t count, room;
};

static bool is_wanted(const char *name, const char *const *suffixes)
{
    if (name[0] == '.')
        return false;
    for (; *suffixes; suffixes++) {
        if (slice_ends_with(slice_from_cstr(name), slice_from_cstr(*suffixes)))
            return true;
    }
    return false;
}

static void add(struct names *names, const char *name)
{
    if (names->count == names->room) {
        names->room = names->room ? names->room * 2 : 16;
        names->items = mem_realloc(names->items, names->room * sizeof(*names->items));
    }
    names->items[names->count++] = mem_strdup(name);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum err read_names(const char *dir, const char *const *suffixes, struct names *names)
{
    DIR *d = opendir(dir);
    if (!d)
        return err_from_errno(errno);
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(d))) {
        if (is_wanted(entry->d_name, suffixes))
            add(names, entry->d_name);
        errno = 0;
    }
    enum err err = errno ? err_from_errno(errno) : ERR_OK;
    closedir(d);
    return err;
}

enum err file_list(const char *dir, const char *const *suffixes,
                   void (*each)(void *owner, const char *path), void *owner)
{
    struct names names = {0};
    enum err err = read_names(dir, suffixes, &names);
    if (names.count)
        qsort(names.items, names.count, sizeof(*names.items), compare);
    for (size_t i = 0; i < names.count; i++) {
        char *path = mem_printf("%s/%s", dir, names.items[i]);
        struct stat st;
        /* What cannot be looked at is not left out in silence: reading it will say why. */
        if (err == ERR_OK && (stat(path, &st) != 0 || S_ISREG(st.st_mode)))
            each(owner, path);
        mem_free(path);
        mem_free(names.items[i]);
    }
    mem_free(names.items);
    return err;
}
