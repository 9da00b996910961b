/* Which reviews of pods get a patch: creations, and nothing else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "injector/admission.h"
#include "tests/unit/lib/inject/pod_text.h"

#define POD "metadata: {name: one}, spec: {containers: [{name: app, image: app}]}}"

static void test_what_is_patched(void **state)
{
    static const struct {
        struct slice operation;
        const char *object;
        enum admission_outcome outcome;
    } cases[] = {
        {{"CREATE", 6}, "{apiVersion: v1, kind: Pod, " POD, ADMISSION_PATCHED},
        {{"UPDATE", 6}, "{apiVersion: v1, kind: Pod, " POD, ADMISSION_SKIPPED},
        {{"DELETE", 6}, "{apiVersion: v1, kind: Pod, " POD, ADMISSION_SKIPPED},
        {{"CONNECT", 7}, "{apiVersion: v1, kind: Pod, " POD, ADMISSION_SKIPPED},
        {{"", 0}, "{apiVersion: v1, kind: Pod, " POD, ADMISSION_SKIPPED},
        {{"CREATE", 6}, NULL, ADMISSION_SKIPPED},
        {{"CREATE", 6}, "{apiVersion: v1, kind: PodTemplate, " POD, ADMISSION_SKIPPED},
        {{"CREATE", 6}, "{apiVersion: v2, kind: Pod, " POD, ADMISSION_SKIPPED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct admission_answer answer = {.outcome = ADMISSION_OUTCOME_COUNT};
        arena_init(&arena, 4096);
        struct admission_request request = {
            .operation = cases[i].operation,
            .namespace_name = SLICE("default"),
            .object = cases[i].object ? pod_text_parse(&arena, cases[i].object) : NULL,
        };
        admission_pod_judge(&pod_text_config, NULL, &request, &arena, &answer);
        assert_int_equal(answer.outcome, cases[i].outcome);
        assert_int_equal(answer.patch != NULL, cases[i].outcome == ADMISSION_PATCHED);
        arena_dispose(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_patched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
