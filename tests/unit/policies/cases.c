/* Reads case files, runs them, compares, and rewrites those cases that are named.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policies/cases.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <fnmatch.h>
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

/* ---- what may be rewritten ---- */

/* A pattern of wildcards alone names nothing: three letters of the title are little enough. */
static bool says_something(const char *pattern)
{
    unsigned letters = 0;
    bool is_set = false;
    for (const char *at = pattern; *at; at++) {
        is_set = *at == '[' || (is_set && *at != ']');
        letters += !is_set && isalnum((unsigned char)*at);
    }
    return letters >= 3;
}

bool cases_is_named(const char *pattern, const char *file, struct slice title)
{
    char text[400];
    const char *colon = strstr(pattern, ": ");
    size_t stem = strcspn(file, ".");
    bool has_file = colon && (size_t)(colon - pattern) == stem && !strncmp(pattern, file, stem);
    const char *rest = has_file ? colon + 2 : pattern;
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(title));
    return says_something(rest) && fnmatch(rest, text, 0) == 0;
}

/* ---- running ---- */

/* One file's run. */
struct run {
    const char *file, *pattern; /* NULL: nothing is rewritten */
    void (*run)(const struct cases_item *item, struct buf *out);
    struct buf text; /* the file as it will be */
    size_t count, different, rewritten;
};

static void write_back(struct buf *to, const struct cases_item *item, struct slice output)
{
    buf_append_slice(to, SLICE("### "));
    buf_append_slice(to, item->title);
    buf_append_slice(to, SLICE("\n"));
    buf_append_slice(to, item->input);
    buf_append_slice(to, SLICE(">>>"));
    buf_append_slice(to, item->words);
    buf_append_slice(to, SLICE("\n"));
    buf_append_slice(to, output);
}

static void run_one(struct run *r, struct slice *rest)
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
    r->run(&item, &out);
    char *got = cases_text(&out);
    bool same = slice_eq_cstr(want, got);
    bool is_named = r->pattern && cases_is_named(r->pattern, r->file, item.title);
    if (!same)
        fprintf(stderr, "%s: case \"%.*s\":\n--- want\n%.*s--- got\n%s---%s\n", r->file,
                SLICE_ARG(item.title), SLICE_ARG(want), got,
                is_named ? " to be written back" : "");
    write_back(&r->text, &item, same || !is_named ? want : slice_from_cstr(got));
    r->count++;
    r->different += !same;
    r->rewritten += !same && is_named;
    mem_free(got);
    buf_dispose(&out);
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

static char *path_of(const char *name)
{
    const char *root = getenv("WEFT_SOURCE");
    const char *folder = strchr(name, '/') ? "" : "policies/cases/";
    return mem_printf("%s/tests/unit/%s%s", root ? root : ".", folder, name);
}

static char *read_raw(const char *name, size_t *len)
{
    char *path = path_of(name), *text;
    if (file_read(path, FILE_MAX, &text, len))
        fail_msg("%s cannot be read", path);
    mem_free(path);
    return text;
}

char *cases_read(const char *name, size_t *len)
{
    return with_keys(read_raw(name, len), len);
}

static void rewrite(struct run *r)
{
    char *after = cases_text(&r->text), *path = path_of(r->file);
    bool is_too_much = r->rewritten > CASES_UPDATE_MAX;
    if (r->rewritten && !is_too_much)
        assert_int_equal(file_write_atomic(path, after, strlen(after), 0644), ERR_OK);
    mem_free(after);
    mem_free(path);
    if (is_too_much)
        fail_msg("%s: \"%s\" would rewrite %zu cases, at most %d at a time", r->file, r->pattern,
                 r->rewritten, CASES_UPDATE_MAX);
    if (r->rewritten)
        fail_msg("%s: %zu cases were rewritten: read them, then run this without WEFT_CASES_UPDATE",
                 r->file, r->rewritten);
}

void cases_run(const char *name, size_t least,
               void (*run)(const struct cases_item *item, struct buf *out))
{
    struct run r = {.file = name, .pattern = getenv("WEFT_CASES_UPDATE"), .run = run};
    size_t len;
    char *text = read_raw(name, &len);
    struct slice rest = slice_of(text, len);
    if (r.pattern && !says_something(r.pattern))
        fail_msg("WEFT_CASES_UPDATE=%s names no case: give a title, as cases.h says", r.pattern);
    buf_init(&r.text);
    while (rest.len)
        run_one(&r, &rest);
    rewrite(&r);
    buf_dispose(&r.text);
    mem_free(text);
    assert_true(r.count >= least);
    assert_int_equal(r.different, 0);
}
