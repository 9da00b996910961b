/* Temporary folders for tests. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/io/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/lib/io/cmocka_io.h"

void folder_init(struct folder *f)
{
    snprintf(f->path, sizeof(f->path), "/tmp/weft-test-XXXXXX");
    assert_non_null(mkdtemp(f->path));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

void folder_dispose(struct folder *f)
{
    assert_int_equal(nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_at(const struct folder *f, const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    return path;
}

void folder_put(const struct folder *f, const char *name, const char *text)
{
    FILE *file = fopen(folder_at(f, name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

void folder_link(const struct folder *f, const char *name, const char *target)
{
    assert_int_equal(symlink(target, folder_at(f, name)), 0);
}

void folder_make(const struct folder *f, const char *name)
{
    assert_int_equal(mkdir(folder_at(f, name), 0755), 0);
}

void folder_rename(const struct folder *f, const char *from, const char *to)
{
    char old[256];
    snprintf(old, sizeof(old), "%s/%s", f->path, from);
    assert_int_equal(rename(old, folder_at(f, to)), 0);
}
