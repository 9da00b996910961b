/* The files behind join tokens. Blocking file access, on certd's only thread or in "token create".
 * Must not know what a token buys.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/join_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/io/file.h"
#include "lib/tls/digest.h"

enum { RECORD_MAX = 4096, DIR_MODE = 0700, FILE_MODE = 0600, TOKEN_BYTES = 32 };

static const struct slice prefix = {"weft-join-", 10};
static const int64_t keep_expired_ms = 86400000;

static char *path_of(const char *dir, const char *folder, const char *name)
{
    return mem_printf("%s/%s/%s", dir, folder, name);
}

/* Names in a folder are durable only when the folder itself is synced. */
static enum err sync_folder(const char *dir, const char *folder)
{
    char *path = mem_printf("%s/%s", dir, folder);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = fd < 0 || fsync(fd) ? err_from_errno(errno) : ERR_OK;
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return e;
}

enum err join_token_prepare(const char *dir)
{
    char *path = mem_printf("%s/tokens/used", dir);
    enum err e = file_make_dirs(path, DIR_MODE);
    mem_free(path);
    return e;
}

enum err join_token_create(const char *dir, struct slice spiffe_id, int64_t expires_ms,
                           char text[JOIN_TOKEN_TEXT_MAX])
{
    uint8_t secret[TOKEN_BYTES], digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_MAX];
    rand_secure(secret, sizeof(secret));
    digest_hex(secret, hex);
    snprintf(text, JOIN_TOKEN_TEXT_MAX, "%.*s%s", SLICE_ARG(prefix), hex);
    digest_wipe(secret, sizeof(secret));
    digest_sha256(slice_from_cstr(text), digest);
    char *path = path_of(dir, "tokens", digest_hex(digest, hex));
    char *record = mem_printf("%lld %.*s\n", (long long)expires_ms, SLICE_ARG(spiffe_id));
    enum err e = file_write_atomic(path, record, strlen(record), FILE_MODE);
    if (!e)
        e = sync_folder(dir, "tokens");
    mem_free(record);
    mem_free(path);
    return e;
}

static enum err name_of(struct slice token, char hex[DIGEST_HEX_MAX])
{
    uint8_t digest[DIGEST_SIZE];
    if (!slice_starts_with(token, prefix) || token.len != prefix.len + 2 * TOKEN_BYTES)
        return ERR_SYNTAX;
    digest_sha256(token, digest);
    digest_hex(digest, hex);
    return ERR_OK;
}

/* "<expiry> <id>\n" */
static enum err read_record(const char *path, int64_t *expires_ms, char **spiffe_id)
{
    char *text;
    size_t len;
    uint64_t ms;
    enum err e = file_read(path, RECORD_MAX, &text, &len);
    if (e)
        return e;
    struct slice all = slice_of(text, len);
    size_t space = slice_find_byte(all, ' '), end = slice_find_byte(all, '\n');
    struct slice id = slice_sub(all, space + 1, end > space ? end - space - 1 : 0);
    if (end == all.len || slice_is_empty(id) || slice_to_u64(slice_sub(all, 0, space), &ms))
        e = ERR_IO;
    if (!e) {
        *expires_ms = (int64_t)ms;
        if (spiffe_id)
            *spiffe_id = mem_strndup(id.ptr, id.len);
    }
    mem_free(text);
    return e;
}

static bool was_used(const char *dir, const char *hex)
{
    char *path = path_of(dir, "tokens/used", hex);
    bool yes = access(path, F_OK) == 0;
    mem_free(path);
    return yes;
}

enum err join_token_look(const char *dir, struct slice token, int64_t now_ms, char **spiffe_id)
{
    char hex[DIGEST_HEX_MAX];
    int64_t expires_ms = 0;
    *spiffe_id = NULL;
    enum err e = name_of(token, hex);
    if (e)
        return e;
    char *path = path_of(dir, "tokens", hex);
    e = read_record(path, &expires_ms, spiffe_id);
    mem_free(path);
    if (e == ERR_NOT_FOUND && was_used(dir, hex))
        return ERR_EXISTS;
    if (!e && now_ms >= expires_ms) {
        mem_free(*spiffe_id);
        *spiffe_id = NULL;
        return ERR_EXPIRED;
    }
    return e;
}

enum err join_token_use(const char *dir, struct slice token)
{
    char hex[DIGEST_HEX_MAX];
    enum err e = name_of(token, hex);
    if (e)
        return e;
    char *from = path_of(dir, "tokens", hex), *to = path_of(dir, "tokens/used", hex);
    if (rename(from, to))
        e = errno == ENOENT ? ERR_EXISTS : err_from_errno(errno);
    mem_free(from);
    mem_free(to);
    /* The new name first: a crash between the two leaves both or the new one, never the old alone.
     */
    if (!e)
        e = sync_folder(dir, "tokens/used");
    if (!e)
        e = sync_folder(dir, "tokens");
    return e;
}

struct sweep {
    int64_t now_ms;
    unsigned removed;
};

static void sweep_one(void *owner, const char *path)
{
    struct sweep *s = owner;
    int64_t expires_ms;
    if (read_record(path, &expires_ms, NULL) == ERR_OK &&
        s->now_ms - expires_ms > keep_expired_ms && unlink(path) == 0)
        s->removed++;
}

unsigned join_token_sweep(const char *dir, int64_t now_ms)
{
    static const char *const any[] = {"", NULL}, *const folders[] = {"tokens", "tokens/used"};
    struct sweep s = {now_ms, 0};
    for (size_t i = 0; i < 2; i++) {
        char *path = mem_printf("%s/%s", dir, folders[i]);
        /* What cannot be listed now is swept another time. */
        (void)!file_list(path, any, sweep_one, &s);
        mem_free(path);
    }
    return s.removed;
}
