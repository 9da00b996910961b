/* weftctl crds [--into DIR]: the CustomResourceDefinitions of our kinds, on stdout or a file for
 * each. Main thread. Must not know what is in them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "policies/describe/crd.h"
#include "weftctl/output.h"
#include "weftctl/say.h"

enum { ARENA_BLOCK = 1024 };

static enum err write_file(const char *dir, const struct kind *kind, struct buf *text)
{
    struct arena arena;
    size_t len;
    char *bytes = buf_take_text(text, &len);
    arena_init(&arena, ARENA_BLOCK);
    char *path = mem_printf("%s/%.*s", dir, SLICE_ARG(crd_file_name(kind, &arena)));
    enum err e = file_write_atomic(path, bytes, len, 0644);
    if (e)
        say_error("%s cannot be written: %s", path, err_text(e));
    mem_free(path);
    mem_free(bytes);
    arena_dispose(&arena);
    return e;
}

static enum err emit(const char *dir, const struct kind *kind)
{
    struct buf text;
    enum err e = ERR_OK;
    buf_init(&text);
    crd_write(kind, &text);
    if (dir) {
        e = write_file(dir, kind, &text);
    } else {
        puts("---");
        output_flush(&text);
    }
    buf_dispose(&text);
    return e;
}

int crds_run(int argc, char **argv)
{
    static const struct option longs[] = {{"into", required_argument, NULL, 'i'},
                                          {NULL, 0, NULL, 0}};
    const char *dir = NULL;
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) == 'i')
        dir = optarg;
    if (c != -1 || optind != argc) {
        fputs("usage: weftctl crds [--into DIR]\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kind_is_own(kind_all[i]) && emit(dir, kind_all[i]))
            return 1;
    return 0;
}
