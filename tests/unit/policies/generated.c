/* Comparing and writing the files of generated.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policies/generated.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "tests/unit/policies/cases.h"

enum { FILE_MAX = 1 << 20 };

static char *source_path(const char *path)
{
    const char *root = getenv("WEFT_SOURCE");
    return mem_printf("%s/%s", root ? root : ".", path);
}

static char *read_source(const char *path)
{
    char *full = source_path(path), *text = NULL;
    size_t len;
    if (file_read(full, FILE_MAX, &text, &len))
        fail_msg("%s cannot be read", path);
    char *terminated = mem_strndup(text, len);
    mem_free(text);
    mem_free(full);
    return terminated;
}

static void compare_text(const char *path, const char *want)
{
    if (getenv("WEFT_GENERATED_UPDATE")) {
        char *full = source_path(path);
        assert_int_equal(file_write_atomic(full, want, strlen(want), 0644), ERR_OK);
        mem_free(full);
        return;
    }
    char *there = read_source(path);
    if (strcmp(there, want) != 0)
        fail_msg("%s is not what the tables say: run scripts/generate", path);
    mem_free(there);
}

static char *take_text(struct buf *made)
{
    char *text = cases_text(made);
    buf_dispose(made);
    buf_init(made);
    return text;
}

void generated_compare(const char *path, struct buf *made)
{
    char *want = take_text(made);
    compare_text(path, want);
    mem_free(want);
}

void generated_compare_part(const char *path, const char *part, struct buf *made)
{
    char *between = take_text(made), *there = read_source(path), *rest = there;
    char *begin = mem_printf("# generated: %s\n", part);
    struct buf whole;
    bool any = false;
    buf_init(&whole);
    for (char *at; (at = strstr(rest, begin)); any = true) {
        char *behind = at + strlen(begin), *end = strstr(behind, "# end generated");
        if (!end)
            fail_msg("%s: '# generated: %s' has no end", path, part);
        while (end > behind && end[-1] != '\n')
            end--;
        buf_append_slice(&whole, slice_of(rest, (size_t)(behind - rest)));
        buf_append_slice(&whole, slice_from_cstr(between));
        rest = end;
    }
    if (!any)
        fail_msg("%s has no '# generated: %s'", path, part);
    buf_append_slice(&whole, slice_from_cstr(rest));
    generated_compare(path, &whole);
    buf_dispose(&whole);
    mem_free(begin);
    mem_free(there);
    mem_free(between);
}
