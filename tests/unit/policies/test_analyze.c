/* What analyze finds in objects that are valid one by one: code, object, line and sentence of each.
 * Words of a case: with=FILE (read before the input), now=SECONDS, cluster (fed to a store, one
 * object at a time, with its status). SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_yaml.h"
#include "policies/analyze/analyze.h"
#include "policies/store/policy_set_priv.h"
#include "sidecar/fit/fit.h"
#include "tests/unit/policies/cases.h"

struct subscriptions {
    struct slice with;
    int64_t now_ms;
    bool cluster;
};

static struct subscriptions read_words(struct slice words)
{
    struct subscriptions w = {.now_ms = INT64_C(1767225600000)}; /* the beginning of 2026 */
    struct slice word;
    uint64_t seconds;
    while (slice_split(&words, ' ', &word)) {
        size_t eq = slice_find_byte(word, '=');
        struct slice name = slice_sub(word, 0, eq), value = slice_sub(word, eq + 1, word.len);
        if (slice_eq_cstr(name, "with"))
            w.with = value;
        else if (slice_eq_cstr(name, "now") && !slice_to_u64(value, &seconds))
            w.now_ms = (int64_t)seconds * 1000;
        else if (slice_eq_cstr(name, "cluster"))
            w.cluster = true;
        else
            assert_int_equal(word.len, 0);
    }
    return w;
}

static void put_all(const struct diag_list *diags, struct buf *out)
{
    LIST_FOREACH(node, (struct list *)&diags->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        enum finding f = finding_of(d);
        char *line = mem_printf("%s %s %u %.*s: %.*s: %.*s\n", finding_code(f),
                                finding_severity_name(finding_severity(f)), d->line,
                                SLICE_ARG(d->object), SLICE_ARG(d->path), SLICE_ARG(d->text));
        buf_append(out, line, strlen(line));
        mem_free(line);
    }
}

static void add_file(struct policy_set *set, struct slice name, struct diag_list *diags)
{
    size_t len;
    char *stem = mem_printf("%.*s", SLICE_ARG(name)), *text = cases_read(stem, &len);
    assert_int_equal(policy_set_add_text(set, name, slice_of(text, len), diags), ERR_OK);
    mem_free(text);
    mem_free(stem);
}

static void look_at_folder(const struct cases_item *item, const struct subscriptions *w,
                           struct diag_list *diags)
{
    struct policy_set *set = policy_set_create();
    if (w->with.len)
        add_file(set, w->with, diags);
    if (policy_set_add_text(set, SLICE("t.yaml"), item->input, diags)) {
        struct slice why = diag_format(diags, container_of(diags->items.prev, struct diag, node));
        fail_msg("%.*s: %.*s", SLICE_ARG(item->title), SLICE_ARG(why));
    }
    assert_int_equal(policy_set_finish(set, diags), ERR_OK);
    struct analyze_inputs in = {.set = set, .now_ms = w->now_ms};
    fit_check_set(set, diags, diags);
    analyze_set(&in, diags);
    policy_set_destroy(set);
}

static void look_at_cluster(const struct cases_item *item, const struct subscriptions *w,
                            struct diag_list *diags)
{
    struct policy_store *store = policy_store_create();
    struct arena arena;
    struct doc_list docs;
    struct doc_error error;
    arena_init(&arena, 16384);
    assert_int_equal(doc_yaml_parse(item->input, &arena, &docs, &error), ERR_OK);
    for (size_t i = 0; i < docs.count; i++)
        policy_store_put(store,
                         kind_find(doc_string(doc_get(docs.items[i], SLICE("apiVersion"))),
                                   doc_string(doc_get(docs.items[i], SLICE("kind")))),
                         docs.items[i]);
    const struct policy_set *set = policy_store_set(store);
    struct analyze_inputs in = {.set = set, .store = store, .now_ms = w->now_ms};
    policy_store_remarks(store, diags);
    fit_check_set(set, diags, diags);
    analyze_set(&in, diags);
    policy_store_destroy(store);
    arena_dispose(&arena);
}

static void look(const struct cases_item *item, struct buf *out)
{
    struct subscriptions w = read_words(item->words);
    struct diag_list diags;
    diag_list_init(&diags);
    if (w.cluster)
        look_at_cluster(item, &w, &diags);
    else
        look_at_folder(item, &w, &diags);
    put_all(&diags, out);
    diag_list_dispose(&diags);
}

static void test_findings(void **state)
{
    (void)state;
    cases_run("analyze.cases", 19, look);
}

/* Codes are for machines and for ever: each once, all of one form, with a sentence and a cure. */
static void test_table(void **state)
{
    (void)state;
    for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
        enum finding f = (enum finding)i;
        struct slice code = slice_from_cstr(finding_code(f));
        assert_int_equal(code.len, 8);
        assert_true(slice_starts_with(code, SLICE("WEFT")));
        assert_int_equal(finding_named(code), f);
        const char *title = finding_title(f), *advice = finding_advice(f);
        assert_true(title[strlen(title) - 1] == '.' && advice[strlen(advice) - 1] == '.');
        if (i > 1)
            assert_true(strcmp(finding_code((enum finding)(i - 1)), finding_code(f)) < 0);
    }
    assert_int_equal(finding_named(SLICE("weft0201")), FINDING_BACKEND_MISSING);
    assert_int_equal(finding_named(SLICE("WEFT9999")), FINDING_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
