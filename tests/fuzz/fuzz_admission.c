/* Fuzz target: any bytes as an AdmissionReview, for pods and for policies. What is answered with
 * 200 is a review with a uid; a patch in it applies to the object that was sent, and what comes of
 * it is left alone the second time. A refusal says why. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>

#include "injector/admission.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct inject_config config = INJECT_CONFIG_DEFAULT;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static const struct doc *parse(struct arena *arena, struct slice text)
{
    const struct doc *root = NULL;
    struct doc_error error;
    return doc_json_parse(text, arena, &root, &error) ? NULL : root;
}

/* The injection itself once more: the answer only carries it. */
static void check_twice(struct arena *arena, const struct doc *review)
{
    const struct doc *pod = doc_find(review, "request.object"), *after;
    struct slice ns = doc_string(doc_find(review, "request.namespace"));
    struct inject_result first, second;
    inject_pod(&config, pod, ns, "", arena, &first);
    demand(first.verdict == INJECT_PATCHED);
    demand(json_patch_apply(&first.patch, pod, &after) == ERR_OK);
    inject_pod(&config, after, ns, "", arena, &second);
    demand(second.verdict == INJECT_SKIPPED && second.patch.count == 0);
}

static void check_answer(struct arena *arena, struct slice question, struct slice answer)
{
    const struct doc *root = parse(arena, answer), *review = parse(arena, question);
    demand(root && doc_string(doc_find(root, "response.uid")).len > 0);
    const struct doc *allowed = doc_find(root, "response.allowed");
    demand(allowed && allowed->type == DOC_BOOL);
    if (!allowed->boolean)
        demand(doc_string(doc_find(root, "response.status.message")).len > 0);
    if (doc_find(root, "response.patch"))
        check_twice(arena, review);
}

static void check(enum admission_hook hook, struct slice question)
{
    struct arena arena;
    struct buf out;
    enum admission_outcome outcome = ADMISSION_OUTCOME_COUNT;
    arena_init(&arena, 65536);
    buf_init(&out);
    unsigned status = admission_review(hook, &config, NULL, question, &arena, &out, &outcome);
    size_t len = out.len;
    char *text = mem_alloc(len + 1);
    buf_copy_out(&out, text, len);
    demand(outcome < ADMISSION_OUTCOME_COUNT && len > 0);
    demand((status == 400) == (outcome == ADMISSION_MALFORMED));
    if (status == 200)
        check_answer(&arena, question, slice_of(text, len));
    else
        demand(status == 400);
    mem_free(text);
    buf_dispose(&out);
    arena_dispose(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(ADMISSION_INJECT, slice_of(data, size));
    check(ADMISSION_VALIDATE, slice_of(data, size));
    return 0;
}
