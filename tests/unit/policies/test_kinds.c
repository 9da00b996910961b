/* Every kind: what is accepted, and for each wrong field the exact line, path and sentence.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "policies/kinds/kind.h"
#include "policies/store/policy_set.h"
#include "tests/unit/policies/cases.h"

#define KIND(symbol, stem, ...) #stem,
static const char *const stems[] = {
#include "policies/kinds/kinds.def"
};
#undef KIND

/* "accepted" or "refused", then all that was said. */
static void check(const struct cases_item *item, struct buf *out)
{
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    diag_list_init(&diags);
    enum err e = policy_set_add_text(set, SLICE("t.yaml"), item->input, &diags);
    if (!e)
        e = policy_set_finish(set, &diags);
    buf_append_slice(out, e ? SLICE("refused\n") : SLICE("accepted\n"));
    assert_int_equal(e != ERR_OK, diags.errors > 0);
    LIST_FOREACH(node, &diags.items)
    {
        buf_append_slice(out, diag_format(&diags, container_of(node, struct diag, node)));
        buf_append_slice(out, SLICE("\n"));
    }
    diag_list_dispose(&diags);
    policy_set_destroy(set);
}

static const char *const shared[] = {"documents.cases", "core.cases", "stream_route.cases",
                                     "across.cases"};

static void test_shared(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        cases_run(shared[i], 4, check);
}

static bool has_file(const char *name)
{
    const char *root = getenv("WEFT_SOURCE");
    char *path = mem_printf("%s/tests/unit/policies/cases/%s", root ? root : ".", name);
    bool yes = access(path, R_OK) == 0;
    mem_free(path);
    return yes;
}

static bool is_in_shared(const char *kind)
{
    char *line = mem_printf("kind: %s\n", kind);
    bool yes = false;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        size_t len;
        char *text = cases_read(shared[i], &len);
        yes |= strstr(text, line) != NULL;
        mem_free(text);
    }
    mem_free(line);
    return yes;
}

/* A kind has a file of its own, or is small and stands in one of those above. */
static void test_kind(void **state)
{
    const char *stem = *state;
    char *file = mem_printf("%s.cases", stem), *name = NULL;
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(stems[i], stem) == 0)
            name = mem_printf("%s", kind_all[i]->name);
    if (has_file(file))
        cases_run(file, 2, check);
    else if (!is_in_shared(name))
        fail_msg("%s has no cases: cases/%s", name, file);
    mem_free(name);
    mem_free(file);
}

int main(void)
{
#define KIND(symbol, stem, ...) \
    {.name = "test_" #stem, .test_func = test_kind, .initial_state = (void *)(uintptr_t) #stem},
    const struct CMUnitTest tests[] = {
#include "policies/kinds/kinds.def"
        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
