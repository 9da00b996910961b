/* The record of what was signed: one JSON object a line, appended and synced. Blocking file access,
 * on certd's only thread. At 16 MiB the file is put aside as issued.log.1. Must not know why
 * somebody got a certificate.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/json_write.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

enum { FILE_MODE = 0600, ROTATE_AT = 16 << 20, LINE_MAX_BYTES = 8192 };

struct audit {
    char *path;
    int fd;
};

static enum err open_file(struct audit *a)
{
    a->fd = open(a->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, FILE_MODE);
    return a->fd < 0 ? err_from_errno(errno) : ERR_OK;
}

enum err audit_open(const char *dir, struct audit **out)
{
    struct audit *a = mem_zalloc(sizeof(*a));
    a->fd = -1;
    a->path = dir ? mem_printf("%s/issued.log", dir) : NULL;
    enum err e = dir ? open_file(a) : ERR_OK;
    if (e) {
        audit_close(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

void audit_close(struct audit *a)
{
    if (!a)
        return;
    if (a->fd >= 0)
        close(a->fd);
    mem_free(a->path);
    mem_free(a);
}

/* Leaves a file that can be written, or says why there is none. What was put aside is closed for
 * good: should the new file not be to be had, the next certificate tries again. */
static enum err prepare_file(struct audit *a)
{
    struct stat st;
    if (a->fd < 0)
        return open_file(a);
    if (fstat(a->fd, &st))
        return err_from_errno(errno);
    if (st.st_size < ROTATE_AT)
        return ERR_OK;
    char *aside = mem_printf("%s.1", a->path);
    enum err e = rename(a->path, aside) ? err_from_errno(errno) : ERR_OK;
    if (e)
        LOG_E("audit", "%s: is full, and cannot be put aside as %s: %s", a->path, aside,
              err_text(e));
    mem_free(aside);
    if (e)
        return e;
    close(a->fd);
    return open_file(a);
}

static void put_text(struct json_write *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_string(w, slice_from_cstr(value));
}

static void put_number(struct json_write *w, const char *key, int64_t value)
{
    json_write_key(w, key);
    json_write_i64(w, value);
}

static enum err append(struct audit *a, struct buf *line)
{
    char bytes[LINE_MAX_BYTES];
    size_t len = line->len;
    if (len > sizeof(bytes))
        return ERR_LIMIT;
    buf_copy_out(line, bytes, len);
    /* One write, so that a crash leaves whole lines or none; and so does a disk that is full. */
    off_t end = lseek(a->fd, 0, SEEK_END);
    ssize_t n = write(a->fd, bytes, len);
    if (n > 0 && (size_t)n != len && ftruncate(a->fd, end))
        LOG_E("audit", "%s: half a line cannot be taken back: %s", a->path,
              err_text(err_from_errno(errno)));
    if (n != (ssize_t)len)
        return n < 0 ? err_from_errno(errno) : ERR_IO;
    return fdatasync(a->fd) ? err_from_errno(errno) : ERR_OK;
}

enum err audit_issued(struct audit *a, const char *spiffe_id, const char *serial,
                      const char *method, const struct addr *peer, int64_t now_ms,
                      int64_t not_after_ms)
{
    char text[ADDR_TEXT_MAX];
    struct buf line;
    struct json_write w;
    addr_format(peer, text);
    buf_init(&line);
    json_write_init(&w, &line);
    json_write_object(&w);
    put_number(&w, "time_ms", now_ms);
    put_text(&w, "serial", serial);
    put_text(&w, "id", spiffe_id);
    put_text(&w, "by", method);
    put_text(&w, "peer", text);
    put_number(&w, "not_after_ms", not_after_ms);
    json_write_object_end(&w);
    buf_append(&line, "\n", 1);
    enum err e = a->path ? prepare_file(a) : ERR_OK;
    if (!e && a->path)
        e = append(a, &line);
    buf_dispose(&line);
    if (e)
        LOG_E("audit", "%s: cannot be written: %s; nothing is signed until it can", a->path,
              err_text(e));
    else
        LOG_I("audit", "issued %s to %s, proven by %s, from %s, for %lld s", serial, spiffe_id,
              method, text, (long long)((not_after_ms - now_ms) / 1000));
    return e;
}

void audit_refused(const char *spiffe_id, const struct addr *peer, const char *why)
{
    char text[ADDR_TEXT_MAX];
    LOG_W("audit", "refused %s from %s: %s", spiffe_id ? spiffe_id : "an unknown caller",
          addr_format(peer, text), why);
}
