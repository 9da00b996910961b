/* POSIX ustar within gzip. Main thread; blocking.
 * Must not know what is packed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/install/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/codec/text/gzip.h"
#include "weftctl/say.h"

enum { BLOCK = 512, NAME_MAX_LEN = 100, PREFIX_MAX_LEN = 155 };

/* Each field a text; numbers are octal. */
struct ustar {
    char name[NAME_MAX_LEN], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
    char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8];
    char prefix[PREFIX_MAX_LEN], rest[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a header is one block");

struct archive {
    FILE *file;
    char *path;
    const char *folder;
    struct gzip *gzip;
    bool is_broken;
};

struct archive *archive_create(const char *path, const char *folder)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!file) {
        say_error("%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct archive *a = mem_zalloc(sizeof(*a));
    a->file = file;
    a->path = mem_strdup(path);
    a->folder = folder;
    a->gzip = gzip_create();
    return a;
}

static void write_out(struct archive *a, struct buf *out)
{
    while (!buf_is_empty(out)) {
        struct slice front = buf_front(out);
        a->is_broken |= fwrite(front.ptr, 1, front.len, a->file) != front.len;
        buf_drain(out, front.len);
    }
}

static void put(struct archive *a, struct slice bytes)
{
    struct buf out;
    buf_init(&out);
    gzip_write(a->gzip, bytes, &out);
    write_out(a, &out);
}

static void fill_header(struct ustar *h, const char *folder, const char *name, size_t size)
{
    unsigned sum = 0;
    memset(h, 0, sizeof(*h));
    snprintf(h->name, sizeof(h->name), "%s", name);
    snprintf(h->prefix, sizeof(h->prefix), "%s", folder);
    snprintf(h->mode, sizeof(h->mode), "%07o", 0600u);
    snprintf(h->uid, sizeof(h->uid), "%07o", 0u);
    snprintf(h->gid, sizeof(h->gid), "%07o", 0u);
    snprintf(h->size, sizeof(h->size), "%011llo", (unsigned long long)size);
    snprintf(h->mtime, sizeof(h->mtime), "%011llo", (unsigned long long)time(NULL));
    memset(h->sum, ' ', sizeof(h->sum));
    h->type = '0';
    memcpy(h->magic, "ustar", 6);
    memcpy(h->version, "00", 2);
    for (size_t i = 0; i < sizeof(*h); i++)
        sum += ((const unsigned char *)h)[i];
    snprintf(h->sum, sizeof(h->sum), "%06o", sum);
}

void archive_add(struct archive *a, const char *name, struct slice text)
{
    static const char zeros[BLOCK];
    struct ustar header;
    fill_header(&header, a->folder, name, text.len);
    put(a, slice_of(&header, sizeof(header)));
    put(a, text);
    if (text.len % BLOCK)
        put(a, slice_of(zeros, BLOCK - text.len % BLOCK));
}

bool archive_close(struct archive *a)
{
    static const char zeros[2 * BLOCK];
    struct buf out;
    put(a, slice_of(zeros, sizeof(zeros)));
    buf_init(&out);
    gzip_finish(a->gzip, &out);
    write_out(a, &out);
    bool ok = fclose(a->file) == 0 && !a->is_broken;
    if (!ok)
        say_error("%s cannot be written", a->path);
    gzip_destroy(a->gzip);
    mem_free(a->path);
    mem_free(a);
    return ok;
}
