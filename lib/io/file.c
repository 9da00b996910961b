/* Whole small files: read with a limit, replaced atomically, listed. Blocking, so only control
 * threads and tools may use it. Must not know what the files hold.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"

enum { FIRST_READ = 4096 };

/* One byte more than the limit is asked for, to tell "just fits" from "too long". */
static enum err read_all(int fd, size_t max, char **data, size_t *len)
{
    size_t room = FIRST_READ, used = 0;
    char *text = mem_alloc(room + 1);
    for (;;) {
        ssize_t n = read(fd, text + used, room - used);
        if (n < 0 && errno == EINTR)
            continue;
        enum err err = n < 0 ? err_from_errno(errno) : ERR_OK;
        used += n > 0 ? (size_t)n : 0;
        if (err == ERR_OK && used > max)
            err = ERR_LIMIT;
        if (err != ERR_OK) {
            mem_free(text);
            return err;
        }
        if (n == 0)
            break;
        if (used == room) {
            room *= 2;
            text = mem_realloc(text, room + 1);
        }
    }
    text[used] = '\0';
    *data = text;
    *len = used;
    return ERR_OK;
}

enum err file_read(const char *path, size_t max, char **data, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = read_all(fd, max, data, len);
    close(fd);
    return err;
}

static enum err write_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        at += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

/* "dir/.name.1a2b3c4d": hidden from file_list while it is half. */
static char *temporary_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    uint32_t unique;
    rand_secure(&unique, sizeof(unique));
    return mem_printf("%.*s.%s.%08x", (int)(name - path), path, name, unique);
}

static enum err write_file(const char *path, const void *data, size_t len, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = write_all(fd, data, len);
    if (err == ERR_OK && fsync(fd) < 0)
        err = err_from_errno(errno);
    if (close(fd) < 0 && err == ERR_OK)
        err = err_from_errno(errno);
    return err;
}

/* Makes the rename itself survive a power cut. Some file systems cannot; the file is whole either
 * way. */
static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? mem_strdup("/")
                   : slash       ? mem_strndup(path, (size_t)(slash - path))
                                 : mem_strdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    mem_free(folder);
}

enum err file_write_atomic(const char *path, const void *data, size_t len, int mode)
{
    char *temporary = temporary_name(path);
    enum err err = write_file(temporary, data, len, mode);
    if (err == ERR_OK && rename(temporary, path) < 0)
        err = err_from_errno(errno);
    if (err == ERR_OK)
        sync_folder_of(path);
    else if (err != ERR_EXISTS)
        unlink(temporary);
    mem_free(temporary);
    return err;
}

static enum err make_dir(const char *path, int mode)
{
    struct stat st;
    if (mkdir(path, (mode_t)mode) == 0)
        return ERR_OK;
    int code = errno;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? ERR_OK : ERR_EXISTS;
    return err_from_errno(code);
}

enum err file_make_dirs(const char *path, int mode)
{
    char *copy = mem_strdup(path);
    enum err err = ERR_OK;
    for (char *at = copy; *at && err == ERR_OK; at++) {
        if (*at != '/' || at == copy)
            continue;
        *at = '\0';
        err = make_dir(copy, mode);
        *at = '/';
    }
    if (err == ERR_OK)
        err = make_dir(copy, mode);
    mem_free(copy);
    return err;
}

bool file_is_plain(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

bool file_is_exposed(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH)) != 0;
}

bool file_is_public(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0;
}

bool file_has_name(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}
