/* Reviews of pods: the same injection that weftctl does, asked by the API server. Pure, but
 * for the lots that it draws. Must not know what a sidecar looks like.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/admission.h"

#include "injector/pod_context.h"
#include "lib/base/rand.h"
#include "lib/tls/digest.h"

enum { KEY_LEN = 32 };

/* As inject_config.hook_key. */
static struct slice draw_key(struct arena *arena)
{
    uint8_t bytes[DIGEST_SIZE];
    char text[DIGEST_HEX_MAX];
    rand_secure(bytes, sizeof(bytes));
    return arena_copy(arena, slice_of(digest_hex(bytes, text), KEY_LEN));
}

void admission_pod_judge(const struct inject_config *config, const struct pod_context *context,
                         const struct admission_request *r, struct arena *arena,
                         struct admission_answer *answer)
{
    struct slice kind = doc_string(doc_get(r->object, SLICE("kind")));
    struct slice version = doc_string(doc_get(r->object, SLICE("apiVersion")));
    answer->outcome = ADMISSION_SKIPPED;
    if (!slice_eq(r->operation, SLICE("CREATE")) || !r->object)
        return;
    /* A webhook configuration that sends us other things is not ours to complain about here. */
    if (!slice_eq(kind, SLICE("Pod")) || !slice_eq(version, SLICE("v1")))
        return;
    struct inject_result *result = arena_zalloc(arena, sizeof(*result));
    struct inject_config own = *config;
    own.hook_key = draw_key(arena);
    if (context)
        pod_context_fill(context, r->namespace_name, arena, &own);
    inject_pod(&own, r->object, r->namespace_name, "", arena, result);
    answer->warnings = result->warnings;
    answer->warning_count = result->warning_count;
    if (result->verdict == INJECT_PATCHED) {
        answer->outcome = ADMISSION_PATCHED;
        answer->patch = &result->patch;
    } else if (result->verdict == INJECT_REFUSED) {
        answer->outcome = ADMISSION_REFUSED;
        answer->message = arena_printf(arena,
                                       "no sidecar can be injected: %.*s; a pod labelled "
                                       "weft.dev/inject=disabled gets none",
                                       SLICE_ARG(result->why));
    }
}
