/* A child process whose input and output are memory files, so that neither side can block the
 * other. Blocking. Must not know what it runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_run.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mem.h"

extern char **environ;

enum { OUTPUT_MAX = 16 * 1024 * 1024 };

static enum err write_all(int fd, struct slice text)
{
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR)
            return err_from_errno(errno);
        text = slice_sub(text, n > 0 ? (size_t)n : 0, text.len);
    }
    return ERR_OK;
}

static char *read_back(int fd)
{
    struct stat st;
    size_t size = fstat(fd, &st) == 0 && st.st_size <= OUTPUT_MAX ? (size_t)st.st_size : 0;
    char *text = mem_alloc(size + 1);
    size_t used = 0;
    while (used < size) {
        ssize_t n = pread(fd, text + used, size - used, (off_t)used);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        used += n > 0 ? (size_t)n : 0;
    }
    text[used] = '\0';
    return text;
}

/* fds become the child's input, output and error output. */
static int spawn(pid_t *pid, const char *const *argv, const int fds[3])
{
    static const char *const folders[] = {"", "/usr/sbin/", "/sbin/", "/usr/local/sbin/"};
    char path[256];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    int code = ENOENT;
    for (size_t i = 0; code == ENOENT && i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", folders[i], argv[0]);
        code = posix_spawnp(pid, path, &actions, NULL, (char *const *)argv, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

static int await(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return 127;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static enum err run(struct redirect_run *r, const char *const *argv, struct slice input,
                    const int fds[3])
{
    for (int i = 0; i < 3; i++) {
        if (fds[i] < 0)
            return ERR_FILES;
    }
    enum err err = write_all(fds[0], input);
    if (err != ERR_OK)
        return err;
    if (lseek(fds[0], 0, SEEK_SET) < 0)
        return err_from_errno(errno);
    pid_t pid;
    int code = spawn(&pid, argv, fds);
    if (code)
        return err_from_errno(code);
    r->status = await(pid);
    r->out = read_back(fds[1]);
    r->errors = read_back(fds[2]);
    return ERR_OK;
}

enum err redirect_run_command(struct redirect_run *r, const char *const *argv, struct slice input)
{
    int fds[3];
    memset(r, 0, sizeof(*r));
    for (int i = 0; i < 3; i++)
        fds[i] = memfd_create("redirect", MFD_CLOEXEC);
    enum err err = run(r, argv, input, fds);
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    return err;
}

void redirect_run_dispose(struct redirect_run *r)
{
    mem_free(r->out);
    mem_free(r->errors);
}
