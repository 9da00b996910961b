/* What sidecar and redirection ask for, as text: cases/resources.cases. A case is a pod, and what
 * is known of its namespace: LimitRanges, the Namespace, and defaults as a MeshConfig has them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/inject.h"

#include <stdio.h>
#include <string.h>

#include "lib/codec/doc/doc_yaml.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/inject/pod_text.h"
#include "tests/unit/policies/cases.h"

enum { RANGES_MAX = 4 };

static void say(struct buf *out, const char *what, struct slice text)
{
    buf_append_slice(out, slice_from_cstr(what));
    buf_append_slice(out, text);
    buf_append_slice(out, SLICE("\n"));
}

static bool is_kind(const struct doc *d, const char *kind)
{
    return slice_eq_cstr(doc_string(doc_get(d, SLICE("kind"))), kind);
}

static void show(struct pod_text *p, struct buf *out)
{
    if (p->result.verdict != INJECT_PATCHED) {
        say(out, "refused: ", p->result.why);
        return;
    }
    const char *sidecar = pod_text_at(p, "spec.initContainers[1].resources");
    const char *redirect = pod_text_at(p, "spec.initContainers[0].resources");
    say(out, "", slice_from_cstr(sidecar));
    if (strcmp(sidecar, redirect) != 0)
        say(out, "redirection: ", slice_from_cstr(redirect));
    if (*pod_text_at(p, "spec.resources"))
        say(out, "the pod: ", slice_from_cstr(pod_text_at(p, "spec.resources")));
    if (p->result.inherited.len)
        say(out, "inherited: ", p->result.inherited);
    for (size_t i = 0; i < p->result.warning_count; i++)
        say(out, "warning: ", p->result.warnings[i]);
}

static void run(const struct cases_item *item, struct buf *out)
{
    struct pod_text p = {0};
    struct doc_list list;
    struct doc_error error;
    const struct doc *ranges[RANGES_MAX];
    struct inject_namespace space = {.limit_ranges = ranges};
    struct inject_config config = pod_text_config;
    arena_init(&p.arena, 65536);
    if (doc_yaml_parse(item->input, &p.arena, &list, &error))
        fail_msg("line %u: %s", error.line, error.text);
    config.space = &space;
    for (size_t i = 1; i < list.count; i++) {
        const struct doc *d = list.items[i];
        if (is_kind(d, "LimitRange"))
            ranges[space.limit_range_count++] = doc_get(d, SLICE("spec"));
        else if (is_kind(d, "MeshConfig"))
            config.defaults = doc_find(d, "spec.sidecarDefaults");
        else
            space.annotations = doc_find(d, "metadata.annotations"),
            space.labels = doc_find(d, "metadata.labels");
    }
    p.before = p.after = list.items[0];
    inject_pod(&config, p.before, SLICE("shop"), "", &p.arena, &p.result);
    if (p.result.verdict == INJECT_PATCHED)
        assert_int_equal(json_patch_apply(&p.result.patch, p.before, &p.after), ERR_OK);
    show(&p, out);
    pod_text_dispose(&p);
}

static void test_cases(void **state)
{
    cases_run("lib/inject/cases/resources.cases", 20, run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
