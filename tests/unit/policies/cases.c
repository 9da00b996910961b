/* Reads case files, runs them, compares, and rewrites them when asked to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policies/cases.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/tls/digest.h"
#include "lib/tls/pem.h"

enum { FILE_MAX = 1 << 20 };

char *cases_text(struct buf *from)
{
    size_t len = from->len;
    char *text = mem_alloc(len + 1);
    buf_copy_out(from, text, len);
    text[len] = '\0';
    return text;
}

static struct slice take_line(struct slice *rest)
{
    size_t end = slice_find_byte(*rest, '\n');
    struct slice line = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, end + 1, rest->len);
    return line;
}

/* Lines up to the next one that begins so, or the end. */
static struct slice take_until(struct slice *rest, const char *mark)
{
    struct slice all = *rest;
    while (rest->len && !slice_starts_with(*rest, slice_from_cstr(mark)))
        take_line(rest);
    return slice_sub(all, 0, all.len - rest->len);
}

static void write_back(struct buf *to, const struct cases_item *item, const char *got)
{
    buf_append_slice(to, SLICE("### "));
    buf_append_slice(to, item->title);
    buf_append_slice(to, SLICE("\n"));
    buf_append_slice(to, item->input);
    buf_append_slice(to, SLICE(">>>"));
    buf_append_slice(to, item->words);
    buf_append_slice(to, SLICE("\n"));
    buf_append(to, got, strlen(got));
}

static bool run_one(struct slice *rest, void (*run)(const struct cases_item *, struct buf *),
                    struct buf *rewritten)
{
    struct cases_item item;
    struct buf out;
    struct slice first = take_line(rest);
    assert_true(slice_starts_with(first, SLICE("### ")));
    item.title = slice_sub(first, 4, first.len);
    item.input = take_until(rest, ">>>");
    struct slice words = take_line(rest);
    item.words = slice_sub(words, 3, words.len);
    struct slice want = take_until(rest, "### ");
    buf_init(&out);
    run(&item, &out);
    char *got = cases_text(&out);
    bool same = slice_eq_cstr(want, got);
    if (!same)
        fprintf(stderr, "case \"%.*s\":\n--- want\n%.*s--- got\n%s---\n", SLICE_ARG(item.title),
                SLICE_ARG(want), got);
    write_back(rewritten, &item, got);
    mem_free(got);
    buf_dispose(&out);
    return same;
}

/* A P-256 key whose number is the SHA-256 of "weft test key NAME", as SEC 1 has it (RFC 5915), for
 * a double-quoted string of YAML. No key is kept in a file. */
static void put_key(struct buf *out, struct slice name)
{
    uint8_t der[51] = {0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20};
    static const uint8_t curve[] = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    char *seed = mem_printf("weft test key %.*s", SLICE_ARG(name));
    digest_sha256(slice_from_cstr(seed), der + 7);
    memcpy(der + 7 + DIGEST_SIZE, curve, sizeof curve);
    char *pem = pem_encode("EC PRIVATE KEY", slice_of(der, sizeof der));
    for (const char *at = pem; *at; at++)
        buf_append_slice(out, *at == '\n' ? SLICE("\\n") : slice_of(at, 1));
    mem_free(pem);
    mem_free(seed);
}

/* "@KEY one@" becomes a key. */
static char *with_keys(char *text, size_t *len)
{
    struct buf out;
    const char *at = text, *mark;
    buf_init(&out);
    while ((mark = strstr(at, "@KEY "))) {
        const char *name = mark + 5, *end = strchr(name, '@');
        assert_non_null(end);
        buf_append_slice(&out, slice_of(at, (size_t)(mark - at)));
        put_key(&out, slice_of(name, (size_t)(end - name)));
        at = end + 1;
    }
    buf_append_slice(&out, slice_from_cstr(at));
    mem_free(text);
    *len = out.len;
    char *all = cases_text(&out);
    buf_dispose(&out);
    return all;
}

char *cases_read(const char *name, size_t *len)
{
    const char *root = getenv("WEFT_SOURCE");
    char *path = mem_printf("%s/tests/unit/policies/cases/%s", root ? root : ".", name);
    char *text;
    if (file_read(path, FILE_MAX, &text, len))
        fail_msg("%s cannot be read", path);
    mem_free(path);
    return with_keys(text, len);
}

void cases_run(const char *name, size_t least,
               void (*run)(const struct cases_item *item, struct buf *out))
{
    const char *root = getenv("WEFT_SOURCE");
    bool update = getenv("WEFT_CASES_UPDATE") != NULL;
    char *path = mem_printf("%s/tests/unit/policies/cases/%s", root ? root : ".", name);
    size_t len, count = 0, different = 0;
    char *text = cases_read(name, &len);
    struct buf rewritten;
    struct slice rest = slice_of(text, len);
    buf_init(&rewritten);
    for (; rest.len; count++)
        different += !run_one(&rest, run, &rewritten);
    char *after = cases_text(&rewritten);
    if (update && different)
        assert_int_equal(file_write_atomic(path, after, strlen(after), 0644), ERR_OK);
    mem_free(after);
    buf_dispose(&rewritten);
    mem_free(text);
    mem_free(path);
    assert_true(count >= least);
    if (!update)
        assert_int_equal(different, 0);
}
