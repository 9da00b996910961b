/* Unpacking reviews and packing answers. Pure; on the injector's only thread. Must not know what is
 * decided about pods and policies, nor connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/admission.h"

#include <stdarg.h>

#include "lib/base/mem.h"
#include "lib/codec/text/base64.h"
#include "lib/codec/doc/doc_json.h"

enum { UID_MAX = 253, WARNING_MAX = 512 };

/* ---- the question */

/* NULL when all is well. */
static const char *read_request(const struct doc *root, struct admission_request *out)
{
    const struct doc *request = doc_get(root, SLICE("request"));
    if (!slice_eq(doc_string(doc_get(root, SLICE("kind"))), SLICE("AdmissionReview")))
        return "this is no AdmissionReview";
    if (!slice_eq(doc_string(doc_get(root, SLICE("apiVersion"))), SLICE("admission.k8s.io/v1")))
        return "only admission.k8s.io/v1 is understood";
    if (!request || request->type != DOC_OBJECT)
        return "the AdmissionReview has no request";
    *out = (struct admission_request){
        .uid = doc_string(doc_get(request, SLICE("uid"))),
        .operation = doc_string(doc_get(request, SLICE("operation"))),
        .namespace_name = doc_string(doc_get(request, SLICE("namespace"))),
        .object = doc_get(request, SLICE("object")),
    };
    if (slice_is_empty(out->uid) || out->uid.len > UID_MAX)
        return "the request has no uid";
    if (out->object && out->object->type == DOC_NULL)
        out->object = NULL;
    if (out->object && out->object->type != DOC_OBJECT)
        return "the request's object is no object";
    return NULL;
}

/* ---- the answer */

static void write_patch(struct json_write *w, const struct json_patch *patch)
{
    struct buf text;
    struct json_write inner;
    buf_init(&text);
    json_write_init(&inner, &text);
    json_patch_write(patch, &inner);
    size_t len;
    char *plain = buf_take_text(&text, &len);
    size_t encoded = BASE64_ENCODED_LEN(len);
    char *base64 = mem_alloc(encoded);
    base64_encode(slice_of(plain, len), base64);
    json_write_field(w, "patchType", SLICE("JSONPatch"));
    json_write_field(w, "patch", slice_of(base64, encoded));
    mem_free(plain);
    mem_free(base64);
}

static void write_status(struct json_write *w, struct slice message)
{
    json_write_key(w, "status");
    json_write_object(w);
    json_write_field(w, "status", SLICE("Failure"));
    json_write_field(w, "reason", SLICE("Invalid"));
    json_write_field_u64(w, "code", 422);
    json_write_field(w, "message", message);
    json_write_object_end(w);
}

static void write_answer(const struct admission_request *r, const struct admission_answer *a,
                         struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_field(&w, "apiVersion", SLICE("admission.k8s.io/v1"));
    json_write_field(&w, "kind", SLICE("AdmissionReview"));
    json_write_key(&w, "response");
    json_write_object(&w);
    json_write_field(&w, "uid", r->uid);
    json_write_field_bool(&w, "allowed", a->outcome != ADMISSION_REFUSED);
    if (a->outcome == ADMISSION_REFUSED)
        write_status(&w, a->message);
    if (a->patch)
        write_patch(&w, a->patch);
    if (a->warning_count) {
        json_write_key(&w, "warnings");
        json_write_array(&w);
        for (size_t i = 0; i < a->warning_count; i++)
            json_write_string(&w, slice_sub(a->warnings[i], 0, WARNING_MAX));
        json_write_array_end(&w);
    }
    json_write_object_end(&w);
    json_write_object_end(&w);
}

static unsigned refuse(struct buf *out, enum admission_outcome *outcome, const char *what,
                       const char *more)
{
    *outcome = ADMISSION_MALFORMED;
    buf_append_slice(out, slice_from_cstr(what));
    buf_append_slice(out, slice_from_cstr(more));
    buf_append_slice(out, SLICE("\n"));
    return 400;
}

unsigned admission_review(enum admission_hook hook, const struct inject_config *config,
                          const struct pod_context *context, struct slice body,
                          struct arena *arena, struct buf *out, enum admission_outcome *outcome)
{
    const struct doc *root;
    struct doc_error error;
    struct admission_request request;
    struct admission_answer answer = {.outcome = ADMISSION_ALLOWED};
    if (doc_json_parse(body, arena, &root, &error))
        return refuse(out, outcome, "not JSON: ", error.text);
    const char *why = read_request(root, &request);
    if (why)
        return refuse(out, outcome, why, "");
    if (hook == ADMISSION_INJECT)
        admission_pod_judge(config, context, &request, arena, &answer);
    else
        admission_policy_judge(&request, arena, &answer);
    write_answer(&request, &answer, out);
    *outcome = answer.outcome;
    return 200;
}
