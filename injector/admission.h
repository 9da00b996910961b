/* AdmissionReview (admission.k8s.io/v1) in, AdmissionReview out, as text. What cannot be read is
 * refused as a whole (HTTP 400): an answer needs the uid of its question. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/inject/inject.h"

#define ADMISSION_BODY_MAX (8u << 20) /* more than the API server takes for an object */

/* X(NAME, "label of the metric") */
#define ADMISSION_OUTCOMES(X) \
    X(PATCHED, "patched")     \
    X(SKIPPED, "skipped") X(ALLOWED, "allowed") X(REFUSED, "refused") X(MALFORMED, "malformed")

enum admission_outcome {
#define X(name, label) ADMISSION_##name,
    ADMISSION_OUTCOMES(X)
#undef X
        ADMISSION_OUTCOME_COUNT
};

enum admission_hook { ADMISSION_INJECT, ADMISSION_VALIDATE, ADMISSION_HOOK_COUNT };

/* What was asked, as far as it matters; views into the parsed review. */
struct admission_request {
    struct slice uid, operation, namespace_name;
    const struct doc *object; /* NULL: none, as in DELETE */
};

struct admission_answer {
    enum admission_outcome outcome;
    struct slice message;           /* of a refusal */
    const struct json_patch *patch; /* or NULL */
    const struct slice *warnings;
    size_t warning_count;
};

struct pod_context;

/* context: NULL where the API server is not asked. Returns the HTTP status; *out is JSON for 200,
 * else a sentence. Arena: scratch. */
unsigned admission_review(enum admission_hook hook, const struct inject_config *config,
                          const struct pod_context *context, struct slice body,
                          struct arena *arena, struct buf *out, enum admission_outcome *outcome);

/* admission_pod.c and admission_policy.c; whatever they answer with lies in the arena. */
void admission_pod_judge(const struct inject_config *config, const struct pod_context *context,
                         const struct admission_request *r, struct arena *arena,
                         struct admission_answer *answer);
void admission_policy_judge(const struct admission_request *r, struct arena *arena,
                            struct admission_answer *answer);
